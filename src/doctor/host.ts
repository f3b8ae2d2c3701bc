/**
 * Facts about the host that the checks need. Deno can read `/proc` only with all permissions, so
 * some facts are read with programs such as `df` and `stat`. If a program is missing, or if Deno
 * does not allow running it, the function returns `undefined`.
 *
 * @module
 */

import { askProgram } from "../runtime/clean_command.ts";
import { denoFiles } from "../runtime/files.ts";
import { hasAddress, isListening } from "../runtime/networks.ts";
import { mayReadSystem, mayRun } from "../runtime/permissions.ts";
import { type Distrust, findDirectoryDistrust, isOnReadOnlyMount } from "../runtime/trust.ts";

/** The result of `stat` for a file or a directory. */
export interface FileFacts {
  /** The permission bits. Undefined if the system does not have permission bits. */
  readonly mode: number | undefined;
  /** The user id of the owner. Undefined if the system does not report the owner. */
  readonly uid: number | undefined;
  readonly isDirectory: boolean;
}

/** The functions with which the checks examine the host. */
export interface Host {
  /** The operating system, such as `linux` or `darwin`. */
  readonly os: string;
  /** The processor architecture, such as `x86_64` or `aarch64`. */
  readonly arch: string;
  /** True if this program is the compiled binary of matrix-notify. */
  readonly isBinary: boolean;
  /**
   * Reads the facts about a file. Returns undefined if the file does not exist. Throws an error if
   * the access is denied.
   */
  stat(path: string): FileFacts | undefined;
  /** Returns the reason why a directory is not safe from other users; undefined if it is safe. */
  findDirectoryDistrust(path: string): Distrust | undefined;
  /**
   * Returns true if a file or directory is on a read-only mount. Call this function only if no
   * other user can replace the file or directory.
   */
  isOnReadOnlyMount(path: string): boolean;
  /** Returns the user id of this process. Returns undefined if the id is unknown. */
  uid(): number | undefined;
  /** Returns true if Deno allows this process to run a program. */
  mayRun(program: string): boolean;
  /** Returns true if Deno allows this process to start matrix-notify as a background process. */
  mayRunItself(): boolean;
  /** Returns true if a process holds the lock of a file. Does not create the file. */
  isLocked(path: string): boolean;
  /** Returns false if no network interface of this host has this address or name. */
  hasAddress(hostname: string): boolean;
  /** Returns true if a process listens at a TCP port. */
  isListening(address: { readonly host: string; readonly port: number }): Promise<boolean>;
  /** Runs a program and returns its output; undefined if the program cannot be run or fails. */
  ask(program: string, args: readonly string[], signal: AbortSignal): Promise<string | undefined>;
}

/** Creates the functions for the real host. */
export function denoHost(): Host {
  return {
    os: Deno.build.os,
    arch: Deno.build.arch,
    isBinary: Deno.build.standalone,
    stat,
    findDirectoryDistrust,
    isOnReadOnlyMount,
    uid: () => mayReadSystem("uid") ? Deno.uid() ?? undefined : undefined,
    mayRun,
    mayRunItself: () => mayRun(Deno.execPath()),
    isLocked,
    hasAddress,
    isListening,
    ask: askProgram,
  };
}

function stat(path: string): FileFacts | undefined {
  try {
    const { mode, uid, isDirectory } = Deno.statSync(path);
    return { mode: mode === null ? undefined : mode & 0o7777, uid: uid ?? undefined, isDirectory };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/**
 * Returns true if a process holds the lock of a file. Tries to acquire the lock, and releases it at
 * once.
 *
 * @throws {UntrustedError} if the file is not trusted
 */
function isLocked(path: string): boolean {
  try {
    using file = denoFiles.open(path, "read");
    return !file.tryLock();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
