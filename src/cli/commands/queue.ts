/** `queue …`: look at what waits, and decide about it. */

import { formatDuration } from "../../base/duration.ts";
import type { NotifierCore } from "../../notifier/core.ts";
import type { QueuedEntry } from "../../notifier/outcomes.ts";
import { UsageError } from "../arguments.ts";
import type { CommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { openNotifier, openQueueOnly } from "../notifier.ts";
import { at, outcomeLine } from "../outcomes.ts";
import { printable } from "../ui.ts";

/** `queue list`. */
export async function list(context: CommandContext): Promise<number> {
  const { args, runtime, ui } = context;
  await using notifier = await openQueueOnly(context);
  const entries = notifier.entries().filter((entry) => !args.has("dead") || entry.state === "dead");
  if (args.has("json")) {
    for (const entry of entries) ui.json(entry);
    return EXIT.ok;
  }
  const now = runtime.now();
  for (const entry of entries) {
    const state = ui.paint(
      entry.state.padEnd(8),
      entry.state === "queued" || entry.state === "deferred" ? "yellow" : "red",
    );
    const age = formatDuration(now - entry.time).padStart(11);
    const where = `${entry.channel} ${entry.destination}`;
    ui.data(
      `${entry.id.slice(0, 8)}  ${state}  ${age}  ${printable(where)}  ${printable(titleOf(entry))}`,
    );
    const next = entry.state !== "dead" && entry.next !== undefined && entry.next > now
      ? `; next try ${at(entry.next, now)}`
      : "";
    if (entry.reason !== undefined) ui.data(`          ${printable(entry.reason)}${next}`);
    if (entry.members !== undefined) ui.data(`          as one; see: matrix-notify queue show ${entry.id.slice(0, 8)}`);
  }
  if (entries.length === 0) ui.data(args.has("dead") ? "no dead letters" : "the queue is empty");
  return EXIT.ok;
}

/** What it is called, and the files that go along with it. */
function titleOf({ notification }: QueuedEntry): string {
  const files = notification?.attachments?.map(({ name }) => name).join(", ");
  return `${notification?.subject}${files === undefined ? "" : `  📎 ${files}`}`;
}

/** `queue show`. */
export async function show(context: CommandContext): Promise<number> {
  const { args, ui } = context;
  await using notifier = await openQueueOnly(context);
  const [entry] = find(notifier, args.operands);
  if (args.has("json")) ui.json(entry);
  else ui.data(JSON.stringify(entry, undefined, 2));
  return EXIT.ok;
}

/** `queue retry`: makes them due, and tries at once. */
export async function retry(context: CommandContext): Promise<number> {
  const { args, runtime, ui } = context;
  await using notifier = await openNotifier(context);
  const entries = args.has("all") ? all(notifier, context) : chosen(notifier, context);
  const outcomes = await notifier.retry(entries.map(({ id }) => id));
  for (const outcome of outcomes) {
    args.has("json") ? ui.json(outcome) : ui.data(outcomeLine(outcome, runtime.now(), ui));
  }
  if (outcomes.length === 0 && !args.has("json")) ui.data("nothing to retry");
  return outcomes.some(({ state }) => state === "dead") ? EXIT.dataErr : EXIT.ok;
}

/** `queue drop`. */
export async function drop(context: CommandContext): Promise<number> {
  await using notifier = await openQueueOnly(context);
  const entries = chosen(notifier, context);
  await notifier.drop(entries.map(({ id }) => id));
  context.ui.data(`${countOf(entries)} dropped`);
  return EXIT.ok;
}

/** `queue purge`. */
export async function purge(context: CommandContext): Promise<number> {
  const { args, ui } = context;
  await using notifier = await openQueueOnly(context);
  const entries = notifier.entries();
  if (entries.length > 0 && !args.has("yes")) {
    throw new UsageError(
      `Cannot purge the queue: ${countOf(entries)} in it would be lost for good`,
      "if that is what you want, add --yes",
    );
  }
  await notifier.drop(entries.map(({ id }) => id));
  ui.data(`${countOf(entries)} dropped`);
  return EXIT.ok;
}

/** A digest counts as many as it stands for. */
function countOf(entries: readonly QueuedEntry[]): number {
  return entries.reduce((sum, { members }) => sum + (members?.length ?? 1), 0);
}

function all(notifier: NotifierCore, { args }: CommandContext): QueuedEntry[] {
  if (args.has("dead") || args.operands.length > 0) {
    throw new UsageError("Cannot use --all together with --dead or ids: it means everything");
  }
  // A fallback that waits for its time is not in trouble; who wants it now names it.
  return notifier.entries().filter(({ fallbackFor, attempts, state }) =>
    !fallbackFor || attempts > 0 || state === "dead"
  );
}

/** The dead, or those that are named; never nothing. */
function chosen(notifier: NotifierCore, { args }: CommandContext): QueuedEntry[] {
  if (!args.has("dead")) return find(notifier, args.operands);
  if (args.operands.length > 0) throw new UsageError("Cannot use --dead together with ids: it means all dead letters");
  return notifier.entries().filter((entry) => entry.state === "dead");
}

/** @throws {UsageError} when an id names none, or more than one */
function find(notifier: NotifierCore, ids: readonly string[]): QueuedEntry[] {
  if (ids.length === 0) {
    throw new UsageError(
      "Cannot choose: no id is given",
      "see matrix-notify queue list; --dead means all dead letters",
    );
  }
  const entries = notifier.entries().flatMap((entry) => [entry, ...entry.members ?? []]);
  const chosen = ids.map((id) => {
    if (id === "") throw new UsageError("Cannot choose: an id is empty", "is a variable not set?");
    const found = entries.filter((entry) => entry.id.startsWith(id));
    if (found.length === 1) return found[0];
    throw new UsageError(
      found.length === 0
        ? `Cannot find entry ${id}: it is not in the queue`
        : `Cannot choose by ${id}: ${found.length} entries begin so`,
      "see matrix-notify queue list",
    );
  });
  return [...new Set(chosen)];
}
