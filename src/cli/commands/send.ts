/** `send`: sends a notification. */

import { formatBytes, formatCount } from "../../base/count.ts";
import type { Attachment, NotificationInput } from "../../notification/notification.ts";
import { FORMATS, SEVERITIES } from "../../notification/notification.ts";
import { decodeText } from "../../notification/text.ts";
import type { NotifierCore } from "../../notifier/core.ts";
import type { Outcome } from "../../notifier/outcomes.ts";
import { unreadableState } from "../../runtime/file_errors.ts";
import { readEnds } from "../../runtime/streams.ts";
import { createBodyBuffer, openBody, toMessage } from "../body.ts";
import { type Command, type ContextFor, defineCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import type { Sender } from "../socket_sender.ts";
import { EXIT } from "../exit_codes.ts";
import { toEnvelopeJson } from "../json.ts";
import { ORIGIN_OPTION, SEVERITY_OPTION } from "../notification_options.ts";
import { DELIVERY_OPTIONS, DESTINATION_OPTIONS, JSON_OPTION, MESSAGE_OPTIONS, WAIT_OPTION } from "../options.ts";
import {
  exitCodeForOutcomes,
  formatOutcomes,
  isLeft,
  printOutcomesJson,
  reportTrouble,
  requireAccepted,
} from "../outcomes.ts";
import { endOnSignal } from "../stop_signals.ts";
import { printable } from "../../base/printable.ts";

const OPTIONS = [
  {
    name: "body-file",
    value: "FILE",
    allowsEmpty: true,
    summary: 'read the body from FILE; use "-" for standard input',
  },
  { name: "no-stdin", summary: "do not read standard input; needed in a loop such as 'while read'" },
  {
    name: "format",
    short: "f",
    value: "F",
    oneOf: FORMATS,
    allowsEmpty: true,
    summary: "format of the body (default text)",
  },
  {
    name: "attach",
    short: "a",
    value: "FILE",
    allowsEmpty: true,
    repeats: true,
    summary: "attach a file; at most 10 files of 32 MiB each",
  },
  SEVERITY_OPTION,
  {
    name: "mention",
    value: "USER",
    allowsEmpty: true,
    repeats: true,
    summary: "mention a user (@name:server) or everyone (@room) in Matrix rooms",
  },
  ORIGIN_OPTION,
  {
    name: "key",
    short: "k",
    value: "KEY",
    allowsEmpty: true,
    summary:
      "key of the incident (see below); if a notification with the same key is still in the queue, only the new one " +
      "is sent",
  },
  { name: "resolve", summary: "close the incident of --key; the message shows how long the incident lasted" },
  {
    name: "id",
    value: "ID",
    allowsEmpty: true,
    summary: "prevent duplicates: calls with the same id within 7 days send only one message",
  },
  ...MESSAGE_OPTIONS,
  ...DESTINATION_OPTIONS,
  WAIT_OPTION,
  {
    name: "require",
    value: "STATE",
    oneOf: ["delivered"],
    allowsEmpty: true,
    summary:
      "exit with 75 if no channel delivers the notification before --wait is over; the notification stays in the queue",
  },
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
    'standard input and prints the number of lines. If BODY is "-", send reads standard input and does not print ' +
    "the number of lines. In a loop such as 'while read', send would read the input of the loop. Use " +
    "--no-stdin there. Under ssh, standard input can stay open without data. Use --no-stdin there too.",
    "send accepts every text. It converts bytes that are not UTF-8, terminal colours and progress bars to readable " +
    "text. If a part cannot be sent, for example because a file is missing, send names this part in the message and " +
    "on standard error. The exit code stays 0. A wrong option is an error (exit 64), and nothing is sent. A text or " +
    'a value can begin with "-": \'-5 C\'. Write "--" before a text that looks like an option, such as -x.',
    "Exit 0: for each channel, the notification is delivered or stored on disk. If the notification is on disk, " +
    "matrix-notify delivers it later, in order and without duplicates. After exit 0, you can delete the attached " +
    "files. If a channel cannot send files, the message in this channel lists the names of the files.",
    "Without --require, send makes one attempt. If this attempt fails, the background process makes the next ones. " +
    "With --require delivered, send itself repeats failed attempts until the time of --wait is over. Exit 0: at " +
    "least one channel has delivered the notification. Exit 75: the notification is only in the queue. A script can " +
    "then also send the text in another way. matrix-notify still delivers the queued notification later.",
    "An incident is a problem that causes several notifications, such as a full disk. Give all these notifications " +
    "the same --key, and close the incident with --resolve. In a Matrix room, the later notifications are replies " +
    "to the first message of the incident.",
  ],
  examples: [
    'matrix-notify send "Backup failed" "No space left on /dev/sda1" -p error',
    'df -h | matrix-notify send "Disk report" --format code --silent',
    'matrix-notify send "Link down" "ether1" -l https://router.example.org',
    'matrix-notify send "Load" "" -a graph.png -a top.txt',
    'matrix-notify send "Disk full" "9 GB are free" --key disk --resolve',
    'matrix-notify send "UPS on battery" "" --require delivered --wait 30s ||\n  send-sms "UPS on battery"',
  ],
  run,
});

async function run(context: SendContext): Promise<number> {
  const { args } = context;
  if (args.has("resolve") && !args.isGiven("key")) {
    throw new UsageError("Cannot use --resolve without --key: the key selects the incident to close", "add --key KEY");
  }
  const input = { ...toInput(args), ...await readBody(context) };
  const route = {
    channels: args.list("channel").length > 0 ? args.list("channel") : undefined,
    room: args.text("room"),
  };
  const { openNotifier, openSender } = await import("../notifier.ts");
  if (args.has("dry-run")) {
    await using notifier = await openNotifier(context);
    return await printPlan(notifier, input, { ...context, route });
  }
  await using notifier = await openSender(context);
  const outcomes = await endOnSignal(
    context.runtime,
    (stop) =>
      requireAccepted(notifier.notify(input, {
        ...route,
        ...stop,
        waitMs: args.durationMs("wait"),
        untilDelivered: args.isGiven("require"),
        id: args.rawText("id"),
      })),
    (outcomes) => printOutcomes(outcomes, notifier, context),
  );
  const lack = args.isGiven("require") ? describeLack(outcomes) : undefined;
  if (lack === undefined) return exitCodeForOutcomes(outcomes, notifier.problems);
  context.ui.fail(...lack);
  return EXIT.tempFail;
}

/**
 * Describes a notification that no channel has delivered, because it waits or was replaced. Ignores
 * the files of the notification.
 */
function describeLack(outcomes: readonly Outcome[]): readonly [message: string, hint: string] | undefined {
  const messages = outcomes.filter(({ file }) => file === undefined);
  if (messages.some(({ state }) => state === "delivered")) return undefined;
  const hint = "see: matrix-notify queue list";
  if (messages.some(isLeft)) {
    return ["The notification is not delivered yet", `it stays in the queue and is tried again later; ${hint}`];
  }
  if (messages.every(({ state }) => state !== "superseded")) return undefined;
  return ["The notification is not delivered: a newer notification with the same key replaced it", hint];
}

function toInput(args: SendContext["args"]): NotificationInput {
  return {
    subject: args.operands[0],
    format: args.choice("format", FORMATS),
    severity: args.choice("severity", SEVERITIES),
    link: args.text("link"),
    silent: args.has("silent"),
    origin: args.text("origin"),
    key: args.rawText("key"),
    resolves: args.has("resolve"),
    mentions: args.list("mention"),
    ttlMs: args.durationMs("ttl"),
    attachments: args.list("attach").map((path) => ({ path })),
  };
}

/** The body, or the reason why the body could not be read. */
type Body = Pick<NotificationInput, "message" | "problems">;

async function readBody(context: SendContext): Promise<Body> {
  const { args, runtime, ui } = context;
  const [, body] = args.operands;
  const file = args.text("body-file");
  if (body !== undefined && body !== "-") {
    if (file !== undefined) {
      throw new UsageError(
        "Cannot use --body-file together with BODY: a notification has only one body",
        "remove BODY or --body-file",
      );
    }
    return { message: body };
  }
  if (file !== undefined && file !== "-") {
    return (await readSource(() => openBody(file, runtime), file, context)).body;
  }
  if (args.isGiven("body-file") && file === undefined) {
    return { problems: ["Cannot read the body: the name of its file is empty"] };
  }
  const isChosen = body === "-" || file === "-";
  if (isChosen && args.has("no-stdin")) {
    throw new UsageError(
      'Cannot use --no-stdin together with "-": "-" means standard input',
      'remove --no-stdin or "-"',
    );
  }
  if (args.has("no-stdin") || !isChosen && runtime.stdio.stdinIsTerminal()) return {};
  const read = await withHint(context, () => readSource(runtime.stdio.stdin, "standard input", context));
  if (!isChosen && read.size !== undefined) ui.warn(`The body is read from standard input: ${read.size}`);
  return read.body;
}

/** Counts the lines of a body. The last line can be without a line break. */
function countLines(text: string): number {
  const breaks = text.split("\n").length - 1;
  return text === "" || text.endsWith("\n") ? breaks : breaks + 1;
}

/**
 * `send` prints a hint after it has waited this long for the end of standard input, in
 * milliseconds.
 */
const STDIN_HINT_AFTER_MS = 3000;

async function withHint<Result>({ runtime, ui }: SendContext, read: () => Promise<Result>): Promise<Result> {
  const done = new AbortController();
  const hint = runtime.sleep(STDIN_HINT_AFTER_MS, done.signal).then(() => {
    if (!done.signal.aborted) {
      ui.fail("Reading the body from standard input", "to send without it, add --no-stdin");
    }
  });
  const result = await read();
  done.abort();
  await hint;
  return result;
}

/** A body that was read, and its size: `2 lines`. The size is absent if nothing was read. */
interface ReadBody {
  readonly body: Body;
  readonly size?: string;
}

/**
 * Reads a body. If the body cannot be read, returns a problem, which is sent in place of the body.
 */
async function readSource(
  open: () => ReadableStream<Uint8Array> | Promise<ReadableStream<Uint8Array>>,
  source: string,
  { ui }: SendContext,
): Promise<ReadBody> {
  try {
    const ends = await readEnds(await open(), createBodyBuffer());
    const { beginning, missing, end } = ends;
    if (missing > 0) {
      const message = toMessage(ends, (problem) => ui.warn(problem));
      return { body: { message }, size: formatBytes(beginning.length + missing + end.length) };
    }
    // The body is passed on as bytes, because the format of the notification determines their
    // decoding. Here, the bytes are decoded only to count the lines.
    const lines = countLines(decodeText(beginning));
    return { body: { message: beginning }, size: lines === 0 ? undefined : formatCount(lines, "line") };
  } catch (error) {
    return { body: { problems: [`Cannot read the body from ${source}: ${unreadableState(error)}`] } };
  }
}

async function printPlan(
  notifier: NotifierCore,
  input: NotificationInput,
  { args, ui, runtime, route }: SendContext & { readonly route: Parameters<NotifierCore["plan"]>[1] },
): Promise<number> {
  const { attachments, problems } = await describeFiles(input);
  const { envelopes, fallbacks, mutedBy } = notifier.plan({ ...input, problems }, route, (text) => ui.warn(text));
  const exitCode = exitCodeForOutcomes([], notifier.problems);
  if (args.has("json")) {
    for (const envelope of envelopes) {
      ui.json({ ...toEnvelopeJson(envelope), ...(attachments.length > 0 && { attachments }) });
    }
    return exitCode;
  }
  const { formatFallback, formatTarget } = await import("../plan.ts");
  if (mutedBy !== undefined) ui.data(`would be muted by ${mutedBy}`);
  for (const envelope of envelopes) {
    ui.data(`would send to ${printable(formatTarget(envelope, notifier))}:`);
    ui.data(notifier.preview(envelope).split("\n").map((line) => `  ${printable(line)}`).join("\n"));
    for (const { name, type, size } of attachments) ui.data(`  📎 ${printable(name)} (${type}, ${formatBytes(size)})`);
  }
  for (const fallback of fallbacks) ui.data(`would send to ${printable(formatFallback(fallback, notifier))}`);
  runtime.stdio.stderr("matrix-notify: dry run: the notification was not sent\n");
  return exitCode;
}

interface DescribedFiles {
  readonly attachments: readonly Omit<Attachment, "content">[];
  readonly problems: readonly string[];
}

/**
 * Reads the properties of the attached files for a dry run. Returns the given problems first, then
 * the problems of the files.
 */
async function describeFiles({ attachments = [], problems: known = [] }: NotificationInput): Promise<DescribedFiles> {
  if (attachments.length === 0) return { attachments: [], problems: known };
  const { openSources } = await import("../../notification/attachments/source.ts");
  const problems = [...known];
  const described = openSources(attachments, (problem) => problems.push(problem)).map((source) => {
    using file = source;
    const { name, type, size, imageSize } = file;
    return { name, type, size, ...imageSize };
  });
  return { attachments: described, problems };
}

function printOutcomes(outcomes: readonly Outcome[], notifier: Sender, { args, ui, runtime }: SendContext): void {
  if (args.has("json")) printOutcomesJson(outcomes, ui);
  else {
    const view = { now: runtime.now(), ui, destinations: notifier };
    for (const line of formatOutcomes(outcomes, view)) ui.data(line);
  }
  reportTrouble(outcomes, ui, notifier.problems);
}
