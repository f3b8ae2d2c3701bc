/** Writing the configuration file: one channel of it, and nothing else. */

import { isObject } from "../base/fields.ts";
import { denoFiles, type Files, parentOf, replaceFile } from "../runtime/files.ts";
import { FileLock } from "../runtime/file_lock.ts";
import { mapFileErrors } from "../runtime/file_errors.ts";
import { StorageError } from "../base/errors.ts";
import { readConfigFile } from "./load.ts";

/** Where a channel is written, and which it is. */
export interface ChannelPlace {
  /** The configuration file. */
  readonly path: string;
  /** The channel's name. */
  readonly name: string;
  /** Whoever writes holds this lock; it stays where it is. */
  readonly lockPath: string;
}

/**
 * Puts a channel into the configuration file, in the place of the one that has its name. All else in the file stays; the file is there whole, old or new, whatever
 * happens, and its owner alone can read it. A link leads to the file that is written.
 *
 * @throws {ConfigError} when the file cannot be read
 * @throws {StorageError} when it cannot be written; then what was there is there still
 */
export function writeChannel(
  { path, name, lockPath }: ChannelPlace,
  channel: Readonly<Record<string, unknown>>,
  files: Files = denoFiles,
): void {
  for (const folder of [parentOf(path), parentOf(lockPath)]) {
    guarded(`make the folder ${folder}`, () => files.makeDirectory(folder));
  }
  const lock = new FileLock(files, lockPath);
  if (!lock.tryAcquire()) throw new StorageError("busy", `Cannot write ${path}: another setup is writing it`);
  try {
    const before = readConfigFile(path, { mustExist: false }) ?? {};
    const channels = isObject(before.channels) ? before.channels : {};
    const text = JSON.stringify({ ...before, channels: { ...channels, [name]: channel } }, undefined, 2);
    guarded(`save ${path}`, () => replaceFile(files, targetOf(path), `${text}\n`));
  } finally {
    lock.release();
  }
}

/** The queue's words, with what mends it here. */
function guarded(what: string, operation: () => void): void {
  try {
    mapFileErrors(what, operation, "unwritten");
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    const hint = "mend that, or name another file with --config; what was there is there still";
    throw new StorageError(error.code, error.message, { hint, cause: error });
  }
}

function targetOf(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return path;
    throw error;
  }
}
