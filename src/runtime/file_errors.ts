/** Turns file system errors into storage errors. */

import {
  findSystemFile,
  formatDenial,
  InvalidNotificationError,
  permissionHint,
  StorageError,
  type StorageErrorCode,
} from "../base/errors.ts";
import type { OutputFailure } from "./output.ts";
import { findDirectoryDistrust, requireTrustedDirectory, UntrustedError } from "./trust.ts";

/**
 * Runs file operations and turns their errors into storage errors.
 *
 * @param what the name of the operation in messages, such as `write the queue /var/lib/…`
 * @param operation the file operations
 * @param otherwise the code of the storage error for an unknown cause
 * @returns the result of the operation
 * @throws {StorageError} if the operation fails
 */
export function mapFileErrors<Result>(
  what: string,
  operation: () => Result,
  otherwise: StorageErrorCode = "io-error",
): Result {
  try {
    return operation();
  } catch (error) {
    if (error instanceof StorageError || error instanceof InvalidNotificationError) throw error;
    if (error instanceof UntrustedError) {
      const hint = `${error.hint}; or choose another directory with --state-dir`;
      throw new StorageError("untrusted", `Cannot ${what}: ${error.message}`, { cause: error, hint });
    }
    if (error instanceof Deno.errors.NotCapable) {
      const options = { cause: error, hint: permissionHint(error) };
      throw new StorageError("permission-denied", `Cannot ${what}: ${formatDenial(error)}`, options);
    }
    const code = findCode(error) ?? otherwise;
    throw new StorageError(code, `Cannot ${what}: ${describeState(error, code)}`, { cause: error });
  }
}

/**
 * Checks that no other user of this host can change a state directory, or put another directory in
 * its place.
 *
 * @param folders the names of subdirectories of the state directory, which are checked too
 * @throws {StorageError} if another user can change or replace one of the directories
 */
export function requireTrustedStateDir(stateDir: string, folders: readonly string[] = []): void {
  mapFileErrors(`use the state directory ${stateDir}`, () => {
    const distrust = findDirectoryDistrust(stateDir);
    if (distrust !== undefined) throw new UntrustedError(distrust);
    for (const folder of folders) requireTrustedDirectory(`${stateDir}/${folder}`, "directory");
  });
}

/**
 * Waits for work and ignores its storage errors. Use this function only for work that another
 * process will repeat.
 *
 * @returns false if the work failed with a storage error
 */
export async function ignoreStorageErrors(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (error instanceof StorageError) return false;
    throw error;
  }
}

/**
 * Finds the storage error code of an error. ENOSPC and EDQUOT mean a full disk. EACCES means a
 * missing permission, EROFS a read-only file system.
 */
function findCode(error: unknown): StorageErrorCode | undefined {
  if (error instanceof Deno.errors.PermissionDenied) return "permission-denied";
  switch (findErrno(error)) {
    case "ENOSPC":
    case "EDQUOT":
      return "disk-full";
    case "EROFS":
      return "read-only";
    default:
      return undefined;
  }
}

/**
 * Finds the name of an OS error. Some errors of Deno have a `code`. Errors without a `code` have
 * only a number in their text.
 */
function findErrno(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("code" in error && typeof error.code === "string") return error.code;
  const number = /\(os error (\d+)\)/.exec(error.message)?.[1];
  return { "21": "EISDIR", "28": "ENOSPC", "30": "EROFS", "122": "EDQUOT" }[number ?? ""];
}

/** Returns an error message such as `Cannot write to standard output: permission is denied`. */
export function formatOutputFailure({ to, error }: OutputFailure): string {
  const name = to === "stdout" ? "standard output" : "standard error";
  return `Cannot write to ${name}: ${describeState(error, findCode(error))}`;
}

function describeState(error: unknown, code: StorageErrorCode | undefined): string {
  if (code === "disk-full") return "no space is left on the disk";
  if (code === "read-only") return "the file system is read-only";
  if (error instanceof Deno.errors.PermissionDenied) return "permission is denied";
  if (error instanceof Deno.errors.NotADirectory || findErrno(error) === "ENOTDIR") {
    return "a part of the path is not a directory";
  }
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/ \(os error \d+\).*$/s, "").replace(/^./, (first) => first.toLowerCase());
}

/** Describes why a file of the caller cannot be read, such as `there is no such file`. */
export function unreadableState(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such file";
  if (error instanceof Deno.errors.NotCapable) {
    const path = findSystemFile(error);
    return formatDenial(error) + (path === undefined ? "" : `; use standard input (< ${path}), or a copy of the file`);
  }
  if (error instanceof Deno.errors.IsADirectory || findErrno(error) === "EISDIR") return "it is a directory";
  return describeState(error, "io-error");
}
