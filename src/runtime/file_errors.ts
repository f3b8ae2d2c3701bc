/** File system errors, in the queue's words. */

import {
  formatDenial,
  InvalidNotificationError,
  permissionHint,
  StorageError,
  type StorageErrorCode,
} from "../base/errors.ts";

/**
 * Runs file operations; whatever they throw leaves as a {@linkcode StorageError} that names what could not be done.
 *
 * @param otherwise what kind of trouble it is when the error does not tell
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
    if (error instanceof Deno.errors.NotCapable) {
      const options = { cause: error, hint: permissionHint(error) };
      throw new StorageError("permission-denied", `Cannot ${what}: ${formatDenial(error)}`, options);
    }
    const code = findCode(error) ?? otherwise;
    throw new StorageError(code, `Cannot ${what}: ${describeState(error, code)}`, { cause: error });
  }
}

/** Whether the disk took it. For what nobody has to know when it was refused: another one tries again. */
export async function ignoreStorageErrors(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (error instanceof StorageError) return false;
    throw error;
  }
}

/** ENOSPC and EDQUOT pass when space is made, EACCES and EROFS when somebody permits it; the rest is the disk's. */
function findCode(error: unknown): StorageErrorCode | undefined {
  if (error instanceof Deno.errors.PermissionDenied) return "permission-denied";
  switch (errno(error)) {
    case "ENOSPC":
    case "EDQUOT":
      return "disk-full";
    case "EROFS":
      return "permission-denied";
    default:
      return undefined;
  }
}

/** Deno names some errors by class, some by `code`, and some only by the number in their text. */
function errno(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("code" in error && typeof error.code === "string") return error.code;
  const number = /\(os error (\d+)\)/.exec(error.message)?.[1];
  return { "28": "ENOSPC", "30": "EROFS", "122": "EDQUOT" }[number ?? ""];
}

function describeState(error: unknown, code: StorageErrorCode): string {
  if (code === "disk-full") return "no space is left on the disk";
  if (error instanceof Deno.errors.PermissionDenied) return "permission is denied";
  if (error instanceof Deno.errors.NotADirectory || errno(error) === "ENOTDIR") return "a file is in the way";
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/ \(os error \d+\).*$/s, "").replace(/^./, (first) => first.toLowerCase());
}
