/**
 * The host, as far as Deno cannot see it. Deno reads `/proc` with all permissions only, so the
 * usual programs answer. If one is missing, or may not be run, its answer is `undefined`.
 *
 * @module
 */

import { untilAborted } from "../runtime/abort.ts";
import { mayReadSystem, mayRun } from "../runtime/permissions.ts";

/** What `stat` says about a file or a directory. */
export interface FileFacts {
  /** The permission bits; undefined if the system has none. */
  readonly mode: number | undefined;
  /** The owner; undefined if the system does not say. */
  readonly uid: number | undefined;
  readonly isDirectory: boolean;
}

/** The host's side of the checks. */
export interface Host {
  /** `linux`, `darwin` */
  readonly os: string;
  /** `x86_64`, `aarch64` */
  readonly arch: string;
  /** True for the compiled program, which needs a newer C library. */
  readonly isBinary: boolean;
  /** Returns undefined if there is no such file. @throws if the file may not be looked at */
  stat(path: string): FileFacts | undefined;
  /** The user that this process runs as; undefined if unknown. */
  uid(): number | undefined;
  /** True if Deno permits running a program. */
  mayRun(program: string): boolean;
  /** True if Deno permits starting this program again, as a background process. */
  mayRunItself(): boolean;
  /** True if a process holds the lock of a file. Does not create the file. */
  isLocked(path: string): boolean;
  /**
   * Returns what a program prints; undefined if it cannot be run, fails, or does not end before the
   * signal aborts.
   */
  ask(program: string, args: readonly string[], signal: AbortSignal): Promise<string | undefined>;
}

/** The real host. */
export function denoHost(): Host {
  return {
    os: Deno.build.os,
    arch: Deno.build.arch,
    isBinary: Deno.build.standalone,
    stat,
    uid: () => mayReadSystem("uid") ? Deno.uid() ?? undefined : undefined,
    mayRun,
    mayRunItself: () => mayRun(Deno.execPath()),
    isLocked,
    ask,
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

/** A lock that this process gets was free; closing the file releases it. */
function isLocked(path: string): boolean {
  try {
    using file = Deno.openSync(path, { read: true });
    return !file.tryLockSync(true);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function ask(program: string, args: readonly string[], signal: AbortSignal): Promise<string | undefined> {
  if (!mayRun(program)) return undefined;
  try {
    const child = new Deno.Command(program, {
      args: [...args],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
      env: { LC_ALL: "C" },
      signal,
    });
    // A child that hangs in the kernel cannot be killed, so its end is not awaited.
    const output = await untilAborted(child.output(), signal);
    return output.success ? new TextDecoder().decode(output.stdout) : undefined;
  } catch {
    return undefined;
  }
}
