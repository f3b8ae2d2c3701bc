/**
 * What only the host itself knows. Deno lets nobody read `/proc` who may not do everything, so that the usual programs are asked; where they are missing, or
 * may not be run, nobody knows.
 *
 * @module
 */

/** A file or a directory, as far as it matters here. */
export interface FileFacts {
  /** The permission bits; undefined where the system has none. */
  readonly mode: number | undefined;
  /** Whose it is; undefined where the system does not tell. */
  readonly uid: number | undefined;
  readonly isDirectory: boolean;
}

/** The host. */
export interface Host {
  /** `linux`, `darwin` */
  readonly os: string;
  /** `x86_64`, `aarch64` */
  readonly arch: string;
  /** Whether this is the program compiled, which has its own demands on the C library. */
  readonly isBinary: boolean;
  /** Looks at a file; undefined where there is none. @throws when it may not be looked at */
  stat(path: string): FileFacts | undefined;
  /** The user that this process runs as; undefined where nobody tells. */
  uid(): number | undefined;
  /** Whether Deno lets us run a program. */
  mayRun(program: string): boolean;
  /** Whether a process may be started that runs this program again. */
  mayRunItself(): boolean;
  /** Whether a process holds the lock of a file. Nothing is made where there is no such file. */
  isLocked(path: string): boolean;
  /** What a program prints; undefined when it cannot be run, fails, or does not end before the signal aborts. */
  ask(program: string, args: readonly string[], signal: AbortSignal): Promise<string | undefined>;
}

/** The real host. */
export function denoHost(): Host {
  return {
    os: Deno.build.os,
    arch: Deno.build.arch,
    isBinary: Deno.build.standalone,
    stat,
    uid: () => mayKnow("uid") ? Deno.uid() ?? undefined : undefined,
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

/** Whoever may have it has it free: it is given back at once. */
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
  const { promise: over, resolve } = Promise.withResolvers<undefined>();
  const onAbort = () => resolve(undefined);
  signal.addEventListener("abort", onAbort);
  try {
    const child = new Deno.Command(program, {
      args: [...args],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
      env: { LC_ALL: "C" },
      signal,
    });
    // One that hangs in the kernel cannot even be killed: nobody waits for it.
    const output = await Promise.race([child.output(), over]);
    return output?.success ? new TextDecoder().decode(output.stdout) : undefined;
  } catch {
    return undefined;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Asked first, since a missing permission would make Deno prompt for it on a terminal. */
function mayRun(command: string): boolean {
  return Deno.permissions.querySync({ name: "run", command }).state === "granted";
}

function mayKnow(kind: "uid"): boolean {
  return Deno.permissions.querySync({ name: "sys", kind }).state === "granted";
}
