/** Every command, as data. */

import { FORMATS, SEVERITIES } from "../notification.ts";
import type { Command, OptionSpec } from "./command.ts";
import { CHECK_MEANINGS, DOCTOR_MEANINGS } from "./exit_codes.ts";

/** Options that go with each command. */
export const GENERAL_OPTIONS: readonly OptionSpec[] = [
  { name: "config", value: "FILE", summary: "the configuration file (MATRIX_NOTIFY_CONFIG)" },
  { name: "state-dir", value: "DIR", summary: "where the queue lives (MATRIX_NOTIFY_STATE_DIR)" },
  { name: "help", summary: "show this help" },
];

const JSON_OPTION: OptionSpec = { name: "json", summary: "print one JSON object a line" };
const INSECURE_HTTP_OPTION: OptionSpec = {
  name: "insecure-http",
  summary: "permit plain http to other hosts; the access token goes over the network in the clear",
};
const DELIVERY_OPTIONS: readonly OptionSpec[] = [
  { name: "no-background", summary: "leave no process behind that goes on delivering" },
  INSECURE_HTTP_OPTION,
];
const ACCOUNT_OPTIONS: readonly OptionSpec[] = [
  { name: "channel", value: "NAME", summary: "use the account of this channel (default matrix)" },
  JSON_OPTION,
  INSECURE_HTTP_OPTION,
];

/** The commands, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  {
    name: "send",
    summary: "Send a notification by every configured channel",
    operands: "SUBJECT [BODY]",
    operandCount: [1, 2],
    options: [
      { name: "body-file", value: "FILE", summary: "read the body from a file; - is standard input" },
      { name: "link", value: "URL", summary: "a link for more" },
      { name: "silent", summary: "arrive without a sound (m.notice)" },
      { name: "severity", value: "S", oneOf: SEVERITIES, summary: "how much it matters (default info)" },
      { name: "origin", value: "NAME", summary: "who speaks: a script, a service" },
      { name: "format", value: "F", oneOf: FORMATS, summary: "how the body is written (default text)" },
      { name: "ttl", value: "DURATION", summary: "how long it is worth delivering (default 14d)" },
      { name: "key", value: "KEY", summary: "what it is about: it takes the place of what still waits with this key" },
      { name: "id", value: "ID", summary: "your own name for it: sent twice within 7 days, it is one message" },
      { name: "room", value: "ROOM", summary: "send to this Matrix room only: an id, an alias, or @user:server" },
      { name: "channel", value: "NAME", repeats: true, summary: "send by this channel only" },
      {
        name: "wait",
        value: "DURATION",
        summary: "try for so long before leaving it to the background (default 10s; 0 only queues)",
      },
      { name: "dry-run", summary: "show what would be sent, and send nothing" },
      JSON_OPTION,
      ...DELIVERY_OPTIONS,
    ],
    details: [
      "Without BODY and --body-file the body is read from standard input, unless that is a terminal. Give an empty BODY\n" +
      "('') where standard input stays open and has nothing to say, as under ssh.",
      "Exit 0 means delivered, or on disk: then it is delivered later, once and in order.",
    ],
    examples: [
      'matrix-notify send "Backup failed" "No space left on /dev/sda1" --severity error',
      'df -h | matrix-notify send "Disk report" --format code --silent',
      'matrix-notify send "Link down" "ether1" --link https://router.example.org/ --ttl 2h',
    ],
    load: async () => (await import("./commands/send.ts")).send,
  },
  {
    name: "run",
    summary: "Run a command, and tell how it went",
    operands: "-- COMMAND [ARG...]",
    operandCount: [1, Infinity],
    options: [
      { name: "only-on-failure", summary: "say nothing when it exits with 0" },
      { name: "subject", value: "NAME", summary: "how the command is called (default its name)" },
      { name: "severity", value: "S", oneOf: SEVERITIES, summary: "how much a failure matters (default error)" },
      { name: "link", value: "URL", summary: "a link for more" },
      { name: "silent", summary: "arrive without a sound (m.notice)" },
      { name: "origin", value: "NAME", summary: "who speaks (default the command's name)" },
      { name: "ttl", value: "DURATION", summary: "how long it is worth delivering (default 14d)" },
      { name: "key", value: "KEY", summary: "what it is about: it takes the place of what still waits with this key" },
      { name: "room", value: "ROOM", summary: "send to this Matrix room only: an id or an alias" },
      { name: "channel", value: "NAME", repeats: true, summary: "send by this channel only" },
      {
        name: "wait",
        value: "DURATION",
        summary: "try for so long before leaving it to the background (default 10s; 0 only queues)",
      },
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
    load: async () => (await import("./commands/run.ts")).run,
  },
  {
    name: "sendmail",
    summary: "Take a mail on standard input as sendmail does, and send it as a notification",
    operands: "[-t] [-i] [RECIPIENT...]",
    operandCount: [0, Infinity],
    readsWords: true,
    options: [
      { name: "channel", value: "NAME", repeats: true, summary: "send by this channel only" },
      {
        name: "wait",
        value: "DURATION",
        summary: "try for so long before leaving it to the background (default 10s; 0 only queues)",
      },
      ...DELIVERY_OPTIONS,
    ],
    details: [
      "A link named sendmail to the binary is the same. These options go before those of sendmail. Recipients say nothing: a\n" +
      "mail goes to every channel, or to those of --channel. -i (or -oi): a lone dot does not end the mail; -F, -f: the\n" +
      "sender of a mail without From. Other options of sendmail are passed over; -bs, -bp, -bd and -q are refused with 69.",
      "Subject becomes the subject, From the origin, X-Priority and Importance the severity. A mail of more than 10 MiB is\n" +
      "refused with 65, and what cannot be read is sent as it came. With exit 0 it prints nothing.",
    ],
    examples: [
      "printf 'Subject: Backup done\\n\\n12 GB\\n' | matrix-notify sendmail -t",
      "ln -s /usr/local/bin/matrix-notify /usr/sbin/sendmail",
    ],
    load: async () => (await import("./commands/sendmail.ts")).sendmail,
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
    load: async () => (await import("./commands/flush.ts")).flush,
  },
  {
    name: "queue list",
    summary: "List what is in the queue",
    operands: "",
    operandCount: [0, 0],
    options: [{ name: "dead", summary: "only the dead letters" }, JSON_OPTION],
    load: async () => (await import("./commands/queue.ts")).list,
  },
  {
    name: "queue show",
    summary: "Show one entry, whole",
    operands: "ID",
    operandCount: [1, 1],
    options: [JSON_OPTION],
    details: ["The beginning of an id is enough where only one entry has it."],
    load: async () => (await import("./commands/queue.ts")).show,
  },
  {
    name: "queue retry",
    summary: "Try entries again now, dead ones too",
    operands: "[ID...]",
    operandCount: [0, Infinity],
    options: [
      { name: "dead", summary: "all dead letters" },
      { name: "all", summary: "everything" },
      JSON_OPTION,
      ...DELIVERY_OPTIONS,
    ],
    load: async () => (await import("./commands/queue.ts")).retry,
  },
  {
    name: "queue drop",
    summary: "Remove entries for good",
    operands: "[ID...]",
    operandCount: [0, Infinity],
    options: [{ name: "dead", summary: "all dead letters" }],
    load: async () => (await import("./commands/queue.ts")).drop,
  },
  {
    name: "queue export",
    summary: "Write what is in the queue as JSON lines",
    operands: "[FILE]",
    operandCount: [0, 1],
    options: [{ name: "dead", summary: "only the dead letters" }],
    details: [
      "The lines are those of queue list --json. Without FILE, or with -, they go to standard output. A FILE must be a new\n" +
      "one; only its owner can read it, and with exit 0 it is on the disk, whole. Nothing leaves the queue: see queue drop.",
    ],
    examples: [
      "matrix-notify queue export --dead letters.jsonl && matrix-notify queue drop $(jq -r .id letters.jsonl)",
    ],
    load: async () => (await import("./commands/queue_export.ts")).exportEntries,
  },
  {
    name: "queue purge",
    summary: "Remove everything for good",
    operands: "",
    operandCount: [0, 0],
    options: [{ name: "yes", summary: "yes, really" }],
    load: async () => (await import("./commands/queue.ts")).purge,
  },
  {
    name: "status",
    summary: "Tell how the queue is",
    operands: "",
    operandCount: [0, 0],
    options: [
      JSON_OPTION,
      { name: "check", summary: "be a monitoring plug-in: one line with performance data, and its exit codes" },
      { name: "max-age", value: "DURATION", summary: "with --check: how long an entry may wait (default 15m)" },
    ],
    details: [
      `Exit codes with --check, other than those of sysexits:\n${
        CHECK_MEANINGS.map(([code, meaning]) => `  ${code}  ${meaning}`).join("\n")
      }`,
      "Dead letters warn until somebody decides about them: queue export, queue retry, queue drop. Torn lines, which nobody\n" +
      "was told are queued, and possible duplicates are counted and are no alarm. It needs to read the queue: run it as the\n" +
      "owner of the state directory, and name that with --state-dir where the monitoring system is another user.",
    ],
    examples: ["matrix-notify status --check --max-age 30m --state-dir /var/lib/matrix-notify"],
    load: async () => (await import("./commands/status.ts")).status,
  },
  {
    name: "doctor",
    summary: "Look for what is wrong, and say what mends it",
    operands: "",
    operandCount: [0, 0],
    options: [
      { name: "send", summary: "send a test message by every configured channel too" },
      JSON_OPTION,
      ...DELIVERY_OPTIONS,
    ],
    details: [
      "Looks at configuration, host, clock, disk and queue, and at each channel: connection, server, account, room. Without\n" +
      "--send nothing is sent and nothing is changed, but that a session whose token is over is renewed.",
      `Exit codes, other than those of sysexits:\n${
        DOCTOR_MEANINGS.map(([code, meaning]) => `  ${code}  ${meaning}`).join("\n")
      }`,
    ],
    load: async () => (await import("./commands/doctor.ts")).doctor,
  },
  {
    name: "config check",
    summary: "Tell every mistake in the configuration",
    operands: "",
    operandCount: [0, 0],
    options: [JSON_OPTION, ...DELIVERY_OPTIONS],
    details: ["Reads the file, the environment and the files that they name. Exit 0: no mistakes; 78: some."],
    load: async () => (await import("./commands/config.ts")).check,
  },
  {
    name: "config show",
    summary: "Show the configuration in effect, and where each value comes from",
    operands: "",
    operandCount: [0, 0],
    options: [JSON_OPTION, ...DELIVERY_OPTIONS],
    details: ["Secrets are not shown."],
    load: async () => (await import("./commands/config.ts")).show,
  },
  {
    name: "config schema",
    summary: "Print the JSON schema of the configuration file",
    operands: "",
    operandCount: [0, 0],
    options: [],
    load: async () => (await import("./commands/config.ts")).schema,
  },
  {
    name: "login",
    summary: "Log in to a Matrix account, for channels that name it as user",
    operands: "USER",
    operandCount: [1, 1],
    options: [
      { name: "homeserver", value: "URL", summary: "its address, where the user's domain does not tell" },
      { name: "password-file", value: "FILE", summary: "read the password from a file; - is standard input" },
      { name: "token-file", value: "FILE", summary: "take an access token that you have; - is standard input" },
      { name: "device-code", summary: "show a code, to be confirmed in a browser anywhere" },
      { name: "sso", summary: "log in with a browser on this host" },
      JSON_OPTION,
      ...DELIVERY_OPTIONS,
    ],
    details: [
      "Without an option the server's first way is taken: a password, asked for on a terminal, else read from standard input;\n" +
      "then a code for a browser, then single sign-on. Its tokens are kept in the state directory, and renewed by themselves.",
      "A password file is used again when the server ends the session softly and gave no refresh token. Every login from here\n" +
      "is on the same device.",
    ],
    examples: [
      "matrix-notify login @bot:example.org",
      "matrix-notify login @bot:example.org --password-file /etc/matrix-notify/password",
    ],
    load: async () => (await import("./commands/login.ts")).login,
  },
  {
    name: "logout",
    summary: "End a session on the server, and forget it here",
    operands: "[USER]",
    operandCount: [0, 1],
    options: [],
    load: async () => (await import("./commands/logout.ts")).logout,
  },
  {
    name: "whoami",
    summary: "Tell who is logged in, and whether the server agrees",
    operands: "[USER]",
    operandCount: [0, 1],
    options: [JSON_OPTION],
    load: async () => (await import("./commands/whoami.ts")).whoami,
  },
  {
    name: "join",
    summary: "Enter a Matrix room that is open, or that invited the account",
    operands: "ROOM",
    operandCount: [1, 1],
    options: [
      { name: "via", value: "SERVER", repeats: true, summary: "a server that is in the room, where it has only an id" },
      ...ACCOUNT_OPTIONS,
    ],
    examples: ["matrix-notify join '#alerts:example.org'", "matrix-notify join '!abc…' --via example.org"],
    load: async () => (await import("./commands/join.ts")).join,
  },
  {
    name: "room create",
    summary: "Make a Matrix room and invite people",
    operands: "NAME",
    operandCount: [1, 1],
    options: [
      { name: "invite", value: "USER", repeats: true, summary: "invite @name:example.org" },
      { name: "direct", summary: "make it the direct chat with the one who is invited" },
      { name: "alias", value: "NAME", summary: "an address: alerts for #alerts:example.org" },
      ...ACCOUNT_OPTIONS,
    ],
    details: [
      "Only who is invited can enter, and it is not encrypted. To send to a person no room need be made: give\n" +
      "@name:example.org as the room of the channel, or to send --room, and the direct chat is found, or made once.",
    ],
    examples: [
      "matrix-notify room create Alerts --invite @alice:example.org --alias alerts",
      "matrix-notify room create Alerts --direct --invite @alice:example.org",
    ],
    load: async () => (await import("./commands/room.ts")).create,
  },
  {
    name: "room list",
    summary: "List the Matrix rooms that the account is in, and its invites",
    operands: "",
    operandCount: [0, 0],
    options: ACCOUNT_OPTIONS,
    load: async () => (await import("./commands/room.ts")).list,
  },
  {
    name: "demo",
    summary: "Show the promise kept: an outage, a kill, a flush, each message once and in order",
    operands: "",
    operandCount: [0, 0],
    options: [],
    details: [
      "Runs against a homeserver within the process and a temporary directory. Needs no account, leaves nothing behind.",
    ],
    // Computed: the homeserver that it plays with stands in no other command's module graph.
    load: async () => (await import(new URL("./commands/demo.ts", import.meta.url).href)).demo,
  },
];
