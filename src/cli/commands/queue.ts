/** The `queue` commands. */

import { formatCount } from "../../base/count.ts";
import { StorageError } from "../../base/errors.ts";
import type { NotifierCore } from "../../notifier/core.ts";
import type { QueuedEntry } from "../../notifier/outcomes.ts";
import { type Command, type CommandContext, type ContextFor, defineCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { EXIT } from "../exit_codes.ts";
import { toDroppedJson, toEntryJson } from "../json.ts";
import { DELIVERY_OPTIONS, JSON_OPTION } from "../options.ts";
import { formatOutcomes, isLeft, isLost, printOutcomesJson, type View } from "../outcomes.ts";
import { toJson } from "../ui.ts";

const ID_DETAIL =
  "You can shorten an id if its beginning is unique. If an entry is part of a batch (several notifications in one " +
  "message), its id selects the whole batch.";

const LIST_OPTIONS = [{ name: "dead", summary: "list only dead letters" }, JSON_OPTION] as const;

export const list: Command = defineCommand({
  operands: "",
  options: LIST_OPTIONS,
  details: [
    "The list is grouped by destination. Entries that wait for the same reason are listed below this reason.",
    "An entry is a notification for one destination. A dead letter is an entry that matrix-notify no longer " +
    "tries to send: the service rejected the entry permanently, or the entry expired.",
  ],
  examples: ["matrix-notify queue list", "matrix-notify queue list --dead --json | jq -r .id"],
  run: printList,
});

const SHOW_OPTIONS = [JSON_OPTION] as const;

export const show: Command = defineCommand({
  operands: "ID",
  options: SHOW_OPTIONS,
  details: ["You can shorten the id if its beginning is unique."],
  examples: ["matrix-notify queue show 019ab3f2", "matrix-notify queue show 019ab3f2 --json | jq ."],
  run: printEntry,
});

const RETRY_OPTIONS = [
  { name: "dead", summary: "retry all dead letters" },
  { name: "all", summary: "retry all entries" },
  JSON_OPTION,
  ...DELIVERY_OPTIONS,
] as const;

export const retry: Command = defineCommand({
  operands: "[ID...]",
  options: RETRY_OPTIONS,
  details: [
    "A retry ignores quiet hours and the rate limit of the configuration. It tries each entry once, even if a " +
    "server asked to wait. The entry gets a new expiry time, 14 days after the retry.",
    "Exit 0: all retried entries are delivered. Exit 65: an entry is a dead letter again. Exit 75: an entry is " +
    "still in the queue.",
    "A fallback is an entry that is sent only if another channel does not deliver in time. --all skips a fallback " +
    "while this other channel still has time to deliver.",
    ID_DETAIL,
  ],
  examples: ["matrix-notify queue retry 019ab3f2", "matrix-notify queue retry --dead"],
  run: retryEntries,
});

const DROP_OPTIONS = [
  { name: "dead", summary: "remove all dead letters" },
  { name: "all", summary: "remove all entries, like queue purge --yes" },
  JSON_OPTION,
] as const;

export const drop: Command = defineCommand({
  operands: "[ID...]",
  options: DROP_OPTIONS,
  details: [ID_DETAIL],
  examples: ["matrix-notify queue drop 019ab3f2", "matrix-notify queue drop --dead"],
  run: dropEntries,
});

const EXPORT_OPTIONS = [{ name: "dead", summary: "export only dead letters" }] as const;

export const exportEntries: Command = defineCommand({
  operands: "[FILE]",
  options: EXPORT_OPTIONS,
  details: [
    'Each line is one entry, in the format of queue list --json. Without FILE, or if FILE is "-", queue export ' +
    "writes to standard output.",
    "queue export creates FILE and does not overwrite an existing file. Only the owner can read FILE. After exit 0, " +
    "the whole file is on disk.",
    "The entries stay in the queue. Remove them with queue drop.",
  ],
  examples: [
    "matrix-notify queue export letters.jsonl --dead &&\n" +
    "  matrix-notify queue drop $(jq -r .id letters.jsonl)",
  ],
  run: writeExport,
});

const PURGE_OPTIONS = [
  { name: "yes", short: "y", summary: "confirm that all entries are removed" },
  JSON_OPTION,
] as const;

export const purge: Command = defineCommand({
  operands: "",
  options: PURGE_OPTIONS,
  examples: ["matrix-notify queue purge --yes"],
  run: purgeAll,
});

async function printList(context: ContextFor<typeof LIST_OPTIONS>): Promise<number> {
  const { args, ui } = context;
  await using notifier = await openQueue(context);
  const entries = notifier.entries().filter((entry) => !args.has("dead") || entry.state === "dead");
  if (args.has("json")) {
    for (const entry of entries) ui.json(toEntryJson(entry));
    return EXIT.ok;
  }
  const { formatList } = await import("../queue_text.ts");
  for (const line of formatList(entries, viewOf(context, notifier))) ui.data(line);
  if (entries.length === 0) ui.data(args.has("dead") ? "no dead letters" : "the queue is empty");
  return EXIT.ok;
}

function viewOf({ runtime, ui }: CommandContext, notifier: NotifierCore): View {
  return { now: runtime.now(), ui, destinations: notifier };
}

async function printEntry(context: ContextFor<typeof SHOW_OPTIONS>): Promise<number> {
  const { args, ui } = context;
  await using notifier = await openQueue(context);
  const [entry] = findEntries(notifier, args.operands);
  if (args.has("json")) {
    ui.json(toEntryJson(entry));
    return EXIT.ok;
  }
  const { formatEntry } = await import("../queue_text.ts");
  for (const line of formatEntry(entry, viewOf(context, notifier))) ui.data(line);
  return EXIT.ok;
}

async function retryEntries(context: ContextFor<typeof RETRY_OPTIONS>): Promise<number> {
  const { args, ui } = context;
  const { openNotifier } = await import("../notifier.ts");
  await using notifier = await openNotifier(context);
  // A fallback is an entry that is sent only if another channel does not deliver in time. `--all`
  // skips fallbacks that were never tried. The user can retry such a fallback by its id.
  const entries = args.has("all")
    ? findAll(notifier, context).filter(({ fallbackFor, attempts, state }) =>
      !fallbackFor || attempts > 0 || state === "dead"
    )
    : findChosen(notifier, context);
  const outcomes = await notifier.retry(entries.map(({ id }) => id));
  if (args.has("json")) printOutcomesJson(outcomes, ui);
  else if (outcomes.length === 0) ui.data("nothing to retry");
  else for (const line of formatOutcomes(outcomes, viewOf(context, notifier))) ui.data(line);
  if (outcomes.some(isLost)) return EXIT.dataErr;
  return outcomes.some(isLeft) ? EXIT.tempFail : EXIT.ok;
}

async function dropEntries(context: ContextFor<typeof DROP_OPTIONS>): Promise<number> {
  await using notifier = await openQueue(context);
  const entries = context.args.has("all") ? findAll(notifier, context) : findChosen(notifier, context);
  await notifier.drop(entries.map(({ id }) => id));
  printDropped(entries, context);
  return EXIT.ok;
}

async function purgeAll(context: ContextFor<typeof PURGE_OPTIONS>): Promise<number> {
  await using notifier = await openQueue(context);
  const entries = notifier.entries();
  if (entries.length > 0 && !context.args.has("yes")) {
    const count = expandMembers(entries).length;
    throw new UsageError(
      `Cannot purge the queue without --yes: ${formatCount(count, "entry", "entries")} would be removed permanently`,
      "to confirm, add --yes",
    );
  }
  await notifier.drop(entries.map(({ id }) => id));
  printDropped(entries, context);
  return EXIT.ok;
}

function printDropped(entries: readonly QueuedEntry[], { args, ui }: ContextFor<[typeof JSON_OPTION]>): void {
  const dropped = expandMembers(entries);
  if (args.has("json")) { for (const entry of dropped) ui.json(toDroppedJson(entry)); }
  else ui.data(`${dropped.length} dropped`);
}

/** Replaces each batch (several entries that are sent as one message) with its entries. */
function expandMembers(entries: readonly QueuedEntry[]): readonly QueuedEntry[] {
  return entries.flatMap((entry) => entry.members ?? [entry]);
}

async function openQueue(context: CommandContext): Promise<NotifierCore> {
  const { openOwnQueue } = await import("../notifier.ts");
  return await openOwnQueue(context);
}

function findAll(
  notifier: NotifierCore,
  { args }: ContextFor<[{ readonly name: "dead"; readonly summary: string }]>,
): QueuedEntry[] {
  if (args.has("dead") || args.operands.length > 0) {
    throw new UsageError(
      "Cannot use --all together with --dead or ids: --all selects all entries",
      "remove --all to choose entries",
    );
  }
  return notifier.entries();
}

/**
 * Returns the entries with the given ids. With `--dead`, returns all dead letters (entries that are
 * not tried again).
 */
function findChosen(
  notifier: NotifierCore,
  { args }: ContextFor<[{ readonly name: "dead"; readonly summary: string }]>,
) {
  if (!args.has("dead")) return findEntries(notifier, args.operands);
  if (args.operands.length > 0) {
    throw new UsageError(
      "Cannot use --dead together with ids: --dead selects all dead letters",
      "remove --dead to choose entries",
    );
  }
  return notifier.entries().filter((entry) => entry.state === "dead");
}

/**
 * @throws {UsageError} if no id is given, if an id is unknown, or if an id matches several entries
 */
function findEntries(notifier: NotifierCore, ids: readonly string[]): QueuedEntry[] {
  if (ids.length === 0) {
    throw new UsageError(
      "Cannot select entries: no id is given",
      "give ids from: matrix-notify queue list; or --dead for all dead letters",
    );
  }
  const entries = notifier.entries().flatMap((entry) => [entry, ...entry.members ?? []]);
  const chosen = ids.map((id) => {
    if (id === "") {
      throw new UsageError(
        "Cannot select entries: an id is empty",
        "if the id is in a shell variable, check that the variable is set",
      );
    }
    const found = entries.filter((entry) => entry.id.startsWith(id));
    if (found.length === 1) return found[0];
    throw new UsageError(
      found.length === 0
        ? `Cannot find entry ${id}: it is not in the queue`
        : `Cannot select entry ${id}: ${found.length} ids begin with this text`,
      "see: matrix-notify queue list",
    );
  });
  return [...new Set(chosen)];
}

async function writeExport(context: ContextFor<typeof EXPORT_OPTIONS>): Promise<number> {
  const { args, ui } = context;
  await using notifier = await openQueue(context);
  const chosen = notifier.entries().filter((entry) => !args.has("dead") || entry.state === "dead");
  const entries = expandMembers(chosen).map(toEntryJson);
  const [path = "-"] = args.operands;
  if (path === "-") {
    for (const entry of entries) ui.json(entry);
    return EXIT.ok;
  }
  if (path === "") {
    throw new UsageError(
      "Cannot export: the name of the file is empty",
      "if the name is in a shell variable, check that the variable is set",
    );
  }
  writeNewFile(path, entries.map((entry) => `${toJson(entry)}\n`).join(""));
  ui.data(`${entries.length} exported to ${path}`);
  return EXIT.ok;
}

/**
 * Writes a new file that only its owner can read, because notifications can be confidential. The
 * file is synced to disk before the function returns, so that the user can then safely remove the
 * entries from the queue. If the write fails, the file is removed.
 *
 * @throws {UsageError} if the file exists, or if its directory does not exist
 * @throws {StorageError} if the file cannot be written
 */
function writeNewFile(path: string, text: string): void {
  try {
    using file = Deno.openSync(path, { write: true, createNew: true, mode: 0o600 });
    try {
      for (let rest = new TextEncoder().encode(text); rest.length > 0;) rest = rest.subarray(file.writeSync(rest));
      file.syncSync();
      using directory = Deno.openSync(path.slice(0, path.lastIndexOf("/") + 1) || ".", { read: true });
      directory.syncSync();
    } catch (error) {
      Deno.removeSync(path);
      throw error;
    }
  } catch (error) {
    throw toExportError(error, path);
  }
}

function toExportError(error: unknown, path: string): UsageError | StorageError {
  const what = `Cannot export to ${path}`;
  if (error instanceof Deno.errors.AlreadyExists) {
    return new UsageError(
      `${what}: the file already exists`,
      "choose another name; existing files are not overwritten",
    );
  }
  if (error instanceof Deno.errors.NotFound) return new UsageError(`${what}: there is no such directory`);
  const options = { cause: error, hint: "choose a file in another directory; the queue is unchanged" };
  return error instanceof Deno.errors.PermissionDenied
    ? new StorageError("permission-denied", `${what}: permission is denied`, options)
    : new StorageError("io-error", `${what}: the write failed`, options);
}
