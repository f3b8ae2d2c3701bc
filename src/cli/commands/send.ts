/** `send`: sends a notification. */

import { InvalidNotificationError } from "../../base/errors.ts";
import type { Attachment, NotificationInput } from "../../notification/notification.ts";
import { FORMATS, MAX_MESSAGE_BYTES, SEVERITIES } from "../../notification/notification.ts";
import { formatBytes } from "../../notification/render.ts";
import type { NotifierCore } from "../../notifier/core.ts";
import type { Outcome } from "../../notifier/outcomes.ts";
import { readAtMost } from "../../runtime/streams.ts";
import { type Command, type ContextFor, defineCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { EXIT } from "../exit_codes.ts";
import { toEnvelopeJson } from "../json.ts";
import { DELIVERY_OPTIONS, DESTINATION_OPTIONS, JSON_OPTION, MESSAGE_OPTIONS, WAIT_OPTION } from "../options.ts";
import {
  exitCodeForOutcomes,
  formatFallback,
  formatOutcome,
  formatOutcomePrefix,
  printOutcomesJson,
  reportTrouble,
} from "../outcomes.ts";
import { printable } from "../ui.ts";

const OPTIONS = [
  { name: "body-file", value: "FILE", summary: 'read the body from FILE; use "-" for standard input' },
  { name: "format", short: "f", value: "F", oneOf: FORMATS, summary: "format of the body (default text)" },
  {
    name: "attach",
    short: "a",
    value: "FILE",
    repeats: true,
    summary: "attach a file; at most 10 files of 32 MiB each",
  },
  { name: "severity", short: "p", value: "S", oneOf: SEVERITIES, summary: "severity (default info)" },
  {
    name: "mention",
    value: "USER",
    repeats: true,
    summary: "mention a user (@name:server) or everyone (@room) in Matrix rooms",
  },
  { name: "origin", value: "NAME", summary: "name of the sender, such as a script or a service" },
  {
    name: "key",
    short: "k",
    value: "KEY",
    summary:
      "key of the incident (see below); a queued notification with the same key is replaced by this notification",
  },
  { name: "resolve", summary: "close the incident of --key; the message shows how long the incident lasted" },
  {
    name: "id",
    value: "ID",
    summary: "prevent duplicates: calls with the same id within 7 days send only one message",
  },
  ...MESSAGE_OPTIONS,
  ...DESTINATION_OPTIONS,
  WAIT_OPTION,
  { name: "dry-run", short: "n", summary: "print the notification, but do not send it" },
  JSON_OPTION,
  ...DELIVERY_OPTIONS,
] as const;

type SendContext = ContextFor<typeof OPTIONS>;

export const send: Command = defineCommand({
  operands: "SUBJECT [BODY]",
  options: OPTIONS,
  details: [
    "If you give neither BODY nor --body-file, and standard input is not a terminal, send reads the body from " +
    "standard input. Under ssh, standard input can stay open without data. In that case, give an empty BODY ('').",
    "Exit 0: the notification is delivered, or it is stored on disk. If the notification is on disk, " +
    "matrix-notify delivers it later, in order and without duplicates. After exit 0, you can delete the attached " +
    "files. If a channel cannot send files, the message in this channel lists the names of the files.",
    "An incident is a problem that causes several notifications, such as a full disk. Give all these notifications " +
    "the same --key, and close the incident with --resolve. In a Matrix room, the later notifications are replies to the " +
    "first message of the incident.",
  ],
  examples: [
    'matrix-notify send "Backup failed" "No space left on /dev/sda1" -p error',
    'df -h | matrix-notify send "Disk report" --format code --silent',
    'matrix-notify send "Link down" "ether1" -l https://router.example.org',
    'matrix-notify send "Load" "" -a graph.png -a top.txt',
    'matrix-notify send "Disk full" "9 GB are free" --key disk --resolve',
  ],
  run,
});

async function run(context: SendContext): Promise<number> {
  const { args } = context;
  if (args.has("resolve") && args.text("key") === undefined) {
    throw new UsageError("Cannot use --resolve without --key: the key selects the incident to close", "add --key KEY");
  }
  const input = toInput(args, await readBody(context));
  const route = {
    channels: args.list("channel").length > 0 ? args.list("channel") : undefined,
    room: args.text("room"),
  };
  const { openNotifier } = await import("../notifier.ts");
  await using notifier = await openNotifier(context);
  if (args.has("dry-run")) return await printPlan(notifier, input, { ...context, route });
  const outcomes = await notifier.notify(input, { ...route, waitMs: args.durationMs("wait"), id: args.text("id") });
  printOutcomes(outcomes, context);
  return exitCodeForOutcomes(outcomes);
}

function toInput(args: SendContext["args"], message: string): NotificationInput {
  return {
    subject: args.operands[0],
    message,
    format: args.choice("format", FORMATS),
    severity: args.choice("severity", SEVERITIES),
    link: args.text("link"),
    silent: args.has("silent"),
    origin: args.text("origin"),
    key: args.text("key"),
    resolves: args.has("resolve"),
    mentions: args.list("mention"),
    ttlMs: args.durationMs("ttl"),
    attachments: args.list("attach").map((path) => ({ path })),
  };
}

async function readBody(context: SendContext): Promise<string> {
  const { args, runtime } = context;
  const [, body] = args.operands;
  const file = args.text("body-file");
  if (body !== undefined && body !== "-") {
    if (file !== undefined) {
      throw new UsageError(
        "Cannot use --body-file together with BODY: a notification has only one body",
        "remove one of the two",
      );
    }
    return body;
  }
  if (file !== undefined && file !== "-") return decode(await readFile(file), file);
  const isChosen = body === "-" || file === "-";
  if (!isChosen && runtime.stdio.stdinIsTerminal()) return "";
  return decode(await readStdin(context), "standard input");
}

/** The time after which `send` tells the user that it is reading standard input. */
const STDIN_HINT_AFTER_MS = 3000;

async function readStdin({ runtime, ui }: SendContext): Promise<Uint8Array> {
  const read = new AbortController();
  const hint = runtime.sleep(STDIN_HINT_AFTER_MS, read.signal).then(() => {
    if (!read.signal.aborted) {
      ui.fail("Reading the body from standard input", "to send without a body, give '' as BODY");
    }
  });
  const bytes = await runtime.stdio.stdin(MAX_MESSAGE_BYTES);
  read.abort();
  await hint;
  return bytes;
}

async function readFile(path: string): Promise<Uint8Array> {
  try {
    using file = await Deno.open(path);
    return await readAtMost(file.readable, MAX_MESSAGE_BYTES);
  } catch (error) {
    const problem = error instanceof Deno.errors.NotFound ? "there is no such file" : "it cannot be read";
    throw new InvalidNotificationError(`Cannot read the body from ${path}: ${problem}`, { cause: error });
  }
}

function decode(bytes: Uint8Array, source: string): string {
  if (bytes.length > MAX_MESSAGE_BYTES + 2) {
    throw new InvalidNotificationError(
      `Cannot send the body from ${source}: it is longer than ${MAX_MESSAGE_BYTES} bytes`,
      { hint: "send only a part of it, for example with: head -c 50000" },
    );
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new InvalidNotificationError(`Cannot read the body from ${source}: it is not UTF-8`, {
      cause: error,
      hint: "convert it first, for example with: iconv -f latin1 -t utf-8",
    });
  }
}

async function printPlan(
  notifier: NotifierCore,
  input: NotificationInput,
  { args, ui, runtime, route }: SendContext & { readonly route: Parameters<NotifierCore["plan"]>[1] },
): Promise<number> {
  const { envelopes, fallbacks, mutedBy } = notifier.plan(input, route);
  const attachments = await describeFiles(input);
  if (args.has("json")) {
    for (const envelope of envelopes) {
      ui.json({ ...toEnvelopeJson(envelope), ...(attachments.length > 0 && { attachments }) });
    }
    return EXIT.ok;
  }
  if (mutedBy !== undefined) ui.data(`would be muted by ${mutedBy}`);
  for (const envelope of envelopes) {
    ui.data(`would send to ${envelope.channel} ${envelope.destination}:`);
    ui.data(notifier.preview(envelope).split("\n").map((line) => `  ${printable(line)}`).join("\n"));
    for (const { name, type, size } of attachments) ui.data(`  📎 ${name} (${type}, ${formatBytes(size)})`);
  }
  for (const fallback of fallbacks) ui.data(`would send to ${printable(formatFallback(fallback))}`);
  runtime.stdio.stderr("matrix-notify: dry run: the notification was not sent\n");
  return EXIT.ok;
}

async function describeFiles({ attachments = [] }: NotificationInput): Promise<Omit<Attachment, "content">[]> {
  if (attachments.length === 0) return [];
  const { openSources } = await import("../../notification/attachments/source.ts");
  return openSources(attachments).map((source) => {
    using file = source;
    const { name, type, size, imageSize } = file;
    return { name, type, size, ...imageSize };
  });
}

function printOutcomes(outcomes: readonly Outcome[], { args, ui, runtime }: SendContext): void {
  if (args.has("json")) printOutcomesJson(outcomes, ui);
  else if (outcomes.every(({ state }) => state === "muted")) {
    // A rule muted the notification: no channel sends it. One line is enough, because all outcomes
    // are equal.
    ui.data(formatOutcome(outcomes[0], runtime.now(), ui));
  } else {for (const outcome of outcomes) {
      ui.data(formatOutcomePrefix(outcome, outcomes) + formatOutcome(outcome, runtime.now(), ui));
    }}
  reportTrouble(outcomes, ui);
}
