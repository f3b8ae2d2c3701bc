/** Checks whether a directory is a safe place for files that only this user may change. */

import { mayReadSystem } from "./permissions.ts";

/** The reason why a directory is not safe, and the command that fixes the problem. */
export interface DirectoryProblem {
  readonly state: string;
  readonly hint: string;
}

/** The permission bits with which other users can write. */
const OTHERS_WRITE = 0o022;

/**
 * The properties of a directory that decide whether the directory is safe. If a property is absent,
 * its value is unknown.
 */
export interface DirectoryFacts {
  /** The user id of the owner. */
  readonly uid?: number;
  readonly mode?: number;
}

/**
 * Finds out whether a directory belongs to this user or to root, and whether only its owner can
 * write to it.
 *
 * @param me the user id of this process; undefined if it is unknown
 * @returns undefined if the directory is safe
 */
export function judgeDirectory(
  path: string,
  { uid: owner, mode = 0 }: DirectoryFacts,
  me: number | undefined,
): DirectoryProblem | undefined {
  const elsewhere = "or choose another directory with --state-dir";
  if (owner !== undefined && me !== undefined && owner !== me && owner !== 0) {
    const asRoot = me === 0 ? "run" : "as root, run";
    return {
      state: `it belongs to another user (uid ${owner})`,
      hint: `${asRoot}: chown -R ${me} ${path}; ${elsewhere}`,
    };
  }
  if ((mode & OTHERS_WRITE) === 0) return undefined;
  return {
    state: `other users can write to it (its mode is ${formatMode(mode)})`,
    hint: `run: chmod 700 ${path}; ${elsewhere}`,
  };
}

/** Formats permission bits: `0700`. */
export function formatMode(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, "0");
}

/**
 * Checks a directory of the file system with {@linkcode judgeDirectory}. A directory that cannot be
 * examined counts as safe.
 */
export function findDirectoryProblem(path: string): DirectoryProblem | undefined {
  const { uid, mode } = statDirectory(path) ?? {};
  const me = mayReadSystem("uid") ? Deno.uid() : null;
  return judgeDirectory(path, { uid: uid ?? undefined, mode: mode ?? undefined }, me ?? undefined);
}

function statDirectory(path: string): Deno.FileInfo | undefined {
  try {
    const facts = Deno.statSync(path);
    return facts.isDirectory ? facts : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Returns true if a file or directory is on a read-only mount. Sets the mode of the file to its
 * current value: on a read-only mount, this fails with EROFS, even if this user is not the owner.
 */
export function isOnReadOnlyMount(path: string): boolean {
  try {
    const { mode } = Deno.statSync(path);
    if (mode !== null) Deno.chmodSync(path, mode & 0o7777);
    return false;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EROFS";
  }
}
