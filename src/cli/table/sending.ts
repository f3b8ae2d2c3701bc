/** The commands that send. */

import { FORMATS, SEVERITIES } from "../../notification/notification.ts";
import type { Command } from "../command.ts";
import {
  CHANNELS_OPTION,
  DELIVERY_OPTIONS,
  DESTINATION_OPTIONS,
  JSON_OPTION,
  MESSAGE_OPTIONS,
  WAIT_OPTION,
} from "./options.ts";

/** In the order of the help. */
export const SENDING_COMMANDS: readonly Command[] = [
  {
    name: "send",
    summary: "Send a notification by every configured channel",
    operands: "SUBJECT [BODY]",
    operandCount: [1, 2],
    options: [
      { name: "body-file", value: "FILE", summary: "read the body from a file; - is standard input" },
      { name: "format", value: "F", oneOf: FORMATS, summary: "how the body is written (default text)" },
      { name: "attach", value: "FILE", repeats: true, summary: "send a file with it, at most 10 of 32 MiB each" },
      { name: "severity", value: "S", oneOf: SEVERITIES, summary: "how much it matters (default info)" },
      { name: "mention", value: "USER", repeats: true, summary: "call @name:server, or @room, in the Matrix rooms" },
      { name: "origin", value: "NAME", summary: "who speaks: a script, a service" },
      { name: "key", value: "KEY", summary: "what it is about: it takes the place of what still waits with this key" },
      { name: "resolve", summary: "say that what --key is about is over, and how long it lasted" },
      { name: "id", value: "ID", summary: "your own name for it: sent twice within 7 days, it is one message" },
      ...MESSAGE_OPTIONS,
      ...DESTINATION_OPTIONS,
      WAIT_OPTION,
      { name: "dry-run", summary: "show what would be sent, and send nothing" },
      JSON_OPTION,
      ...DELIVERY_OPTIONS,
    ],
    details: [
      "Without BODY and --body-file the body is read from standard input, unless that is a terminal. Give an empty BODY\n" +
      "('') where standard input stays open and has nothing to say, as under ssh.",
      "Exit 0 means delivered, or on disk: then it is delivered later, once and in order. So it is with files: they may be\n" +
      "removed as soon as send returns. Where a channel does not take files, its text names them.",
      "What has a --key and is not over yet hangs together in a Matrix room: what is sent again answers the first message,\n" +
      "and so does --resolve.",
    ],
    examples: [
      'matrix-notify send "Backup failed" "No space left on /dev/sda1" --severity error',
      'df -h | matrix-notify send "Disk report" --format code --silent',
      'matrix-notify send "Link down" "ether1" --link https://router.example.org/ --ttl 2h',
      'matrix-notify send "Load" "" --attach graph.png --attach top.txt',
      'matrix-notify send "Disk full" "9 GB are free" --key disk --resolve',
    ],
    load: async () => (await import("../commands/send.ts")).send,
  },
  {
    name: "run",
    summary: "Run a command, and tell how it went",
    operands: "-- COMMAND [ARG...]",
    operandCount: [1, Infinity],
    options: [
      { name: "only-on-failure", summary: "say nothing when it exits with 0, unless that resolves --key" },
      { name: "subject", value: "NAME", summary: "how the command is called (default its name)" },
      { name: "severity", value: "S", oneOf: SEVERITIES, summary: "how much a failure matters (default error)" },
      { name: "origin", value: "NAME", summary: "who speaks (default the command's name)" },
      { name: "key", value: "KEY", summary: "what it is about: a success resolves a failure with this key" },
      ...MESSAGE_OPTIONS,
      ...DESTINATION_OPTIONS,
      WAIT_OPTION,
      ...DELIVERY_OPTIONS,
    ],
    details: [
      "Exits as the command does: with its exit code, 128 and the signal's number, 127 where there is no such command, 126\n" +
      "where it may not be run. When the notification cannot be taken, that is said on standard error and changes nothing.",
      "Its output passes through; the last 50 lines of it, at most 8 KiB, are the message. SIGTERM, SIGINT and SIGHUP are\n" +
      "passed on. It is started without a shell, and its arguments are not told, since they may hold secrets.",
    ],
    examples: [
      "matrix-notify run --only-on-failure -- /usr/local/bin/backup",
      'matrix-notify run --subject "Nightly backup" --key backup -- restic backup /srv',
    ],
    load: async () => (await import("../commands/run.ts")).run,
  },
  {
    name: "sendmail",
    summary: "Take a mail on standard input as sendmail does, and send it as a notification",
    operands: "[-t] [-i] [RECIPIENT...]",
    operandCount: [0, Infinity],
    readsWords: true,
    options: [CHANNELS_OPTION, WAIT_OPTION, ...DELIVERY_OPTIONS],
    details: [
      "A link named sendmail to the binary is the same. These options go before those of sendmail. Recipients say nothing: a\n" +
      "mail goes to every channel, or to those of --channel. -i (or -oi): a lone dot does not end the mail; -F, -f: the\n" +
      "sender of a mail without From. Other options of sendmail are passed over; -bs, -bp, -bd and -q are refused with 69.",
      "Subject becomes the subject, From the origin, X-Priority and Importance the severity; attachments go as files. A mail\n" +
      "of more than 10 MiB is refused with 65, and what cannot be read is sent as it came. With exit 0 it prints nothing.",
    ],
    examples: [
      "printf 'Subject: Backup done\\n\\n12 GB\\n' | matrix-notify sendmail -t",
      "ln -s /usr/local/bin/matrix-notify /usr/sbin/sendmail",
    ],
    load: async () => (await import("../commands/sendmail.ts")).sendmail,
  },
  {
    name: "flush",
    summary: "Try everything in the queue now",
    operands: "",
    operandCount: [0, 0],
    options: [
      { name: "wait", value: "DURATION", summary: "leave for later what must wait longer (default 30s)" },
      JSON_OPTION,
      ...DELIVERY_OPTIONS,
    ],
    details: [
      "Our own backoff is ignored; what a server asked for is not. Exit 0: the queue is empty; 75: something is left, with\nits reason.",
    ],
    load: async () => (await import("../commands/flush.ts")).flush,
  },
];
