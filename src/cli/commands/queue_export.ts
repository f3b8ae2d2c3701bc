/** `queue export`: what is in the queue, as JSON lines that somebody can carry elsewhere. */

import { StorageError } from "../../base/errors.ts";
import { UsageError } from "../arguments.ts";
import type { CommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { openQueueOnly } from "../notifier.ts";

/** Writes the entries, or the dead letters, to standard output or to a new file. */
export async function exportEntries(context: CommandContext): Promise<number> {
  const { args, ui } = context;
  await using notifier = await openQueueOnly(context);
  const entries = notifier.entries().filter((entry) => !args.has("dead") || entry.state === "dead")
    // A digest says nothing of its own.
    .flatMap((entry) => entry.members ?? [entry]);
  const [path = "-"] = args.operands;
  if (path === "-") {
    for (const entry of entries) ui.json(entry);
    return EXIT.ok;
  }
  if (path === "") throw new UsageError("Cannot export: the name of the file is empty", "is a variable not set?");
  writeNewFile(path, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
  ui.data(`${entries.length} exported to ${path}`);
  return EXIT.ok;
}

/**
 * Whoever exports drops next, so the file is on the disk when this returns, and there is none when it throws. Notifications can be confidential: only the owner
 * reads it.
 *
 * @throws {UsageError} when there is something of that name, or no directory for it
 * @throws {StorageError} when the disk does not take it
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
    throw problemOf(error, path);
  }
}

function problemOf(error: unknown, path: string): UsageError | StorageError {
  const what = `Cannot export to ${path}`;
  if (error instanceof Deno.errors.AlreadyExists) {
    return new UsageError(`${what}: it is there already`, "name a new file; nothing is overwritten");
  }
  if (error instanceof Deno.errors.NotFound) return new UsageError(`${what}: there is no such directory`);
  const options = { cause: error, hint: "the queue is what it was; name a file elsewhere" };
  return error instanceof Deno.errors.PermissionDenied
    ? new StorageError("permission", `${what}: permission is denied`, options)
    : new StorageError("io", `${what}: the disk did not take it`, options);
}
