/** `send`: the main job. */

import { InvalidNotificationError } from "../../errors.ts";
import type { NotificationInput } from "../../notification.ts";
import { FORMATS, MAX_MESSAGE_BYTES, SEVERITIES } from "../../notification.ts";
import type { Notifier } from "../../notifier.ts";
import { renderPlain } from "../../render.ts";
import type { Outcome } from "../../report.ts";
import type { Runtime } from "../../runtime.ts";
import { readAtMost } from "../../stream.ts";
import { type Arguments, UsageError } from "../arguments.ts";
import type { CommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
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
  if (args.has("dry-run")) return dryRun(notifier, input, { ...context, where });
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

function dryRun(
  notifier: Notifier,
  input: NotificationInput,
  { args, ui, runtime, where }: CommandContext & { readonly where: Parameters<Notifier["plan"]>[1] },
): number {
  for (const envelope of notifier.plan(input, where)) {
    if (args.has("json")) {
      ui.json(envelope);
      continue;
    }
    const { channel, destination } = envelope;
    const notification = notifier.shown(envelope.notification);
    ui.data(`would send to ${channel} ${destination}:`);
    const text = renderPlain(notification, { identity: notifier.identity }, notification.message);
    ui.data(text.split("\n").map((line) => `  ${printable(line)}`).join("\n"));
  }
  if (!args.has("json")) runtime.stdio.stderr("matrix-notify: dry run: nothing was sent, nothing was queued\n");
  return EXIT.ok;
}

function printOutcomes(outcomes: readonly Outcome[], { args, ui, runtime }: CommandContext): void {
  for (const outcome of outcomes) {
    if (args.has("json")) ui.json(outcome);
    else ui.data(ownerOf(outcome, outcomes) + outcomeLine(outcome, runtime.now(), ui));
    reportTrouble([outcome], ui);
  }
}
