/**
 * Running another program: without a shell, with an environment of its own, and with an end. It gets a process group, so that what it started ends with
 * it; and it has ended when its process has, whoever still holds its output.
 *
 * @module
 */

/** What to run. */
export interface SubprocessCall {
  /** An absolute path. */
  readonly path: string;
  /** What it gets, word by word; nobody looks for spaces or signs in them. */
  readonly args: readonly string[];
  /** The whole environment, besides what {@linkcode PASSED_VARIABLES} names. */
  readonly env: Readonly<Record<string, string>>;
  /** What it reads; it need not. */
  readonly stdin: string;
  /** When this aborts, the program and everything that it started is killed. */
  readonly signal: AbortSignal;
}

/** How it ended. */
export interface SubprocessEnd {
  /** The exit code; 128 and the signal's number when a signal ended it. */
  readonly code: number;
  /** The beginning of its standard output, at most 8 KiB. */
  readonly stdout: string;
  /** The end of its standard error, at most 8 KiB. */
  readonly stderr: string;
}

/** Nobody reads more of what a program says. */
export const MAX_OUTPUT_BYTES: number = 8 * 1024;

/** What of our own environment a program gets: where it is and who runs it, but none of our secrets. */
export const PASSED_VARIABLES: readonly string[] = [
  ...["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"],
  ...["DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "SYSTEMROOT"],
];

/** How long output that is there already may take to arrive once the process has ended, in milliseconds. */
const DRAIN_MS = 200;

/**
 * Runs a program to its end.
 *
 * @throws the signal's reason, when that ended it
 * @throws {Deno.errors.NotFound | Deno.errors.PermissionDenied | Deno.errors.NotCapable} when it cannot be started
 */
export async function runSubprocess({ path, args, env, stdin, signal }: SubprocessCall): Promise<SubprocessEnd> {
  signal.throwIfAborted();
  const child = new Deno.Command(path, {
    args: [...args],
    clearEnv: true,
    env,
    cwd: "/",
    // It leads a process group then.
    detached: true,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const kill = () => killGroup(child);
  signal.addEventListener("abort", kill);
  const over = new AbortController();
  const written = feed(child.stdin, stdin, over.signal);
  const stdout = collect(child.stdout, over.signal, (kept, chunk) => join(kept, chunk).slice(0, MAX_OUTPUT_BYTES));
  const stderr = collect(child.stderr, over.signal, (kept, chunk) => join(kept, chunk).slice(-MAX_OUTPUT_BYTES));
  try {
    const { code } = await child.status;
    // A process that it left behind may hold its output open for ever.
    const drain = setTimeout(() => over.abort(), DRAIN_MS);
    const output = await Promise.all([stdout, stderr]);
    clearTimeout(drain);
    over.abort();
    await written;
    // One that ended well just before it was killed has ended well.
    if (code !== 0) signal.throwIfAborted();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(output[0]), stderr: decoder.decode(output[1]) };
  } finally {
    signal.removeEventListener("abort", kill);
  }
}

/** Only who may run everything may kill a group; who may run single programs kills those. */
function killGroup(child: Deno.ChildProcess): void {
  try {
    Deno.kill(-child.pid, "SIGKILL");
  } catch {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
}

/** What a program does not read is its own business. */
async function feed(stdin: WritableStream<Uint8Array>, text: string, signal: AbortSignal): Promise<void> {
  try {
    await new Blob([text]).stream().pipeTo(stdin, { signal });
  } catch {
    return;
  }
}

async function collect(
  stream: ReadableStream<Uint8Array>,
  signal: AbortSignal,
  keep: (kept: Uint8Array, chunk: Uint8Array) => Uint8Array,
): Promise<Uint8Array> {
  let kept = new Uint8Array();
  const reader = stream.getReader();
  const stop = () => void reader.cancel();
  signal.addEventListener("abort", stop);
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    kept = new Uint8Array(keep(kept, part.value));
  }
  signal.removeEventListener("abort", stop);
  return kept;
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}
