/**
 * Runs another program without a shell, with an environment of its own, and with an end. It gets a
 * process group, so that the processes that it starts end with it. It has ended when its own
 * process has ended, even if another process keeps its output open.
 *
 * @module
 */

import { forEachChunk } from "./streams.ts";

/** The program to run. */
export interface SubprocessCall {
  /** An absolute path. */
  readonly path: string;
  /** The arguments. There is no shell, so blanks and special characters have no meaning. */
  readonly args: readonly string[];
  /** Its environment, besides the variables in {@linkcode PASSED_VARIABLES}. */
  readonly env: Readonly<Record<string, string>>;
  /** Its standard input. It need not read it. */
  readonly stdin: string;
  /** Kills the program and every process that it started. */
  readonly signal: AbortSignal;
}

/** The end of a program. */
export interface SubprocessEnd {
  /** The exit code; 128 and the signal's number if a signal ended it. */
  readonly code: number;
  /** The beginning of its standard output, at most 8 KiB. */
  readonly stdout: string;
  /** The end of its standard error, at most 8 KiB. */
  readonly stderr: string;
}

/** How much of each output is kept. */
export const MAX_OUTPUT_BYTES: number = 8 * 1024;

/** The variables of our environment that a program gets. None of our secrets is among them. */
export const PASSED_VARIABLES: readonly string[] = [
  ...["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"],
  ...["DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "SYSTEMROOT"],
];

/** How long to read output after the process has ended: another process may keep it open. */
const DRAIN_MS = 200;

/**
 * Runs a program to its end.
 *
 * @throws the signal's reason, if the signal ended it
 * @throws {Deno.errors.NotFound | Deno.errors.PermissionDenied | Deno.errors.NotCapable} if it
 * cannot be started
 */
export async function runSubprocess({ path, args, env, stdin, signal }: SubprocessCall): Promise<SubprocessEnd> {
  signal.throwIfAborted();
  const child = new Deno.Command(path, {
    args: [...args],
    clearEnv: true,
    env,
    cwd: "/",
    // A detached process leads a process group.
    detached: true,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const kill = () => killGroup(child);
  signal.addEventListener("abort", kill);
  const ended = new AbortController();
  const written = feed(child.stdin, stdin, ended.signal);
  const stdout = collect(child.stdout, ended.signal, (bytes) => bytes.slice(0, MAX_OUTPUT_BYTES));
  const stderr = collect(child.stderr, ended.signal, (bytes) => bytes.slice(-MAX_OUTPUT_BYTES));
  try {
    const { code } = await child.status;
    const drain = setTimeout(() => ended.abort(), DRAIN_MS);
    const output = await Promise.all([stdout, stderr]);
    clearTimeout(drain);
    ended.abort();
    await written;
    // A program that succeeded just before it was killed has succeeded.
    if (code !== 0) signal.throwIfAborted();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(output[0]), stderr: decoder.decode(output[1]) };
  } finally {
    signal.removeEventListener("abort", kill);
  }
}

/**
 * Kills the process group. That takes the permission to run every program; without it, only the
 * process is killed.
 */
function killGroup(child: Deno.ChildProcess): void {
  try {
    Deno.kill(-child.pid, "SIGKILL");
  } catch {
    try {
      child.kill("SIGKILL");
    } catch {
      // The process has ended.
    }
  }
}

/** Writes standard input. A program that does not read all of it is no error. */
async function feed(stdin: WritableStream<Uint8Array>, text: string, signal: AbortSignal): Promise<void> {
  try {
    await new Blob([text]).stream().pipeTo(stdin, { signal });
  } catch {
    return;
  }
}

/** Reads an output and keeps a part of it. */
async function collect(
  stream: ReadableStream<Uint8Array>,
  signal: AbortSignal,
  keep: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>,
): Promise<Uint8Array> {
  let kept = new Uint8Array();
  await forEachChunk(stream, (chunk) => {
    const joined = new Uint8Array(kept.length + chunk.length);
    joined.set(kept);
    joined.set(chunk, kept.length);
    kept = keep(joined);
  }, signal);
  return kept;
}
