/** `send`: the main job. */

import { InvalidNotificationError } from "../../base/errors.ts";
import type { Attachment, NotificationInput } from "../../notification/notification.ts";
import { FORMATS, MAX_MESSAGE_BYTES, SEVERITIES } from "../../notification/notification.ts";
import type { NotifierCore } from "../../notifier/core.ts";
import { formatBytes, renderPlain } from "../../notification/render.ts";
import type { Outcome } from "../../notifier/outcomes.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { readAtMost } from "../../runtime/stream.ts";
import { type Arguments, UsageError } from "../arguments.ts";
import type { CommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { fallbackText } from "../fallback_text.ts";
import { openNotifier } from "../notifier.ts";
import { exitCodeFor, outcomeLine, ownerOf, reportTrouble } from "../outcomes.ts";
import { printable, type Ui } from "../ui.ts";

/** After so long without a byte on standard input people should know what is waited for. */
const STDIN_HINT_AFTER_MS = 3000;

/** Sends, or shows what would be sent. */
export async function send(context: CommandContext): Promise<number> {
  const { args, runtime, ui } = context;
  if (args.has("resolve") && args.text("key") === undefined) {
    throw new UsageError("Cannot use --resolve without --key: it does not say what is over", "add --key KEY");
  }
  const input = inputFrom(args, await readBody(args, runtime, ui));
  const where = {
    channels: args.list("channel").length > 0 ? args.list("channel") : undefined,
    room: args.text("room"),
  };
  await using notifier = await openNotifier(context);
  if (args.has("dry-run")) return await dryRun(notifier, input, { ...context, where });
  const outcomes = await notifier.notify(input, { ...where, waitMs: args.durationMs("wait"), id: args.text("id") });
  printOutcomes(outcomes, context);
  return exitCodeFor(outcomes);
}

function inputFrom(args: Arguments, message: string): NotificationInput {
  return {
    subject: args.operands[0],
    message,
    format: FORMATS.find((format) => format === args.text("format")),
    severity: SEVERITIES.find((severity) => severity === args.text("severity")),
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

async function readBody(args: Arguments, runtime: Runtime, ui: Ui): Promise<string> {
  const [, body] = args.operands;
  const file = args.text("body-file");
  if (body !== undefined && body !== "-") {
    if (file !== undefined) {
      throw new UsageError("Cannot use --body-file together with BODY: there is one body", "leave one of them out");
    }
    return body;
  }
  if (file !== undefined && file !== "-") return decode(await readFile(file), file);
  const asked = body === "-" || file === "-";
  if (!asked && runtime.stdio.stdinIsTerminal()) return "";
  return decode(await readStdin(runtime, ui), "standard input");
}

/** Whoever wonders why nothing happens is told what is waited for. */
async function readStdin(runtime: Runtime, ui: Ui): Promise<Uint8Array> {
  const read = new AbortController();
  const hint = runtime.sleep(STDIN_HINT_AFTER_MS, read.signal).then(() => {
    if (!read.signal.aborted) ui.fail("Reading the body from standard input", "give '' as BODY where there is none");
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
    const absent = error instanceof Deno.errors.NotFound;
    throw new InvalidNotificationError(
      `Cannot read the body from ${path}: ${absent ? "there is no such file" : "it cannot be read"}`,
      {
        cause: error,
      },
    );
  }
}

function decode(bytes: Uint8Array, source: string): string {
  if (bytes.length > MAX_MESSAGE_BYTES + 2) {
    throw new InvalidNotificationError(
      `Cannot send the body from ${source}: it is longer than ${MAX_MESSAGE_BYTES} bytes`,
      {
        hint: "send its beginning or its end, for example through: head -c 50000",
      },
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

async function dryRun(
  notifier: NotifierCore,
  input: NotificationInput,
  { args, ui, runtime, where }: CommandContext & { readonly where: Parameters<NotifierCore["plan"]>[1] },
): Promise<number> {
  const { envelopes, fallbacks, mutedBy } = notifier.plan(input, where);
  const attachments = await describeFiles(input);
  if (mutedBy !== undefined && !args.has("json")) ui.data(`would be muted: ${mutedBy} lets it go nowhere`);
  for (const envelope of envelopes) {
    if (args.has("json")) {
      ui.json(attachments.length === 0 ? envelope : { ...envelope, attachments });
      continue;
    }
    const { channel, destination } = envelope;
    const notification = notifier.present(envelope.notification);
    ui.data(`would send to ${channel} ${destination}:`);
    const text = renderPlain(notification, { identity: notifier.identity }, notification.message);
    ui.data(text.split("\n").map((line) => `  ${printable(line)}`).join("\n"));
    for (const { name, type, size } of attachments) ui.data(`  📎 ${name} (${type}, ${formatBytes(size)})`);
  }
  if (!args.has("json")) {
    for (const fallback of fallbacks) ui.data(`would send to ${printable(fallbackText(fallback))}`);
  }
  if (!args.has("json")) runtime.stdio.stderr("matrix-notify: dry run: nothing was sent, nothing was queued\n");
  return EXIT.ok;
}

type DescribedFile = Omit<Attachment, "content">;

async function describeFiles({ attachments = [] }: NotificationInput): Promise<DescribedFile[]> {
  if (attachments.length === 0) return [];
  const { openSources } = await import("../../notification/attachments/source.ts");
  return openSources(attachments).map((source) => {
    using file = source;
    const { name, type, size, imageSize } = file;
    return { name, type, size, ...imageSize };
  });
}

function printOutcomes(outcomes: readonly Outcome[], { args, ui, runtime }: CommandContext): void {
  const isMuted = outcomes.every(({ state }) => state === "muted");
  // All were muted by one rule, and people read that once.
  if (isMuted && !args.has("json")) return ui.data(outcomeLine(outcomes[0], runtime.now(), ui));
  for (const outcome of outcomes) {
    if (args.has("json")) ui.json(outcome);
    else ui.data(ownerOf(outcome, outcomes) + outcomeLine(outcome, runtime.now(), ui));
    reportTrouble([outcome], ui);
  }
}
