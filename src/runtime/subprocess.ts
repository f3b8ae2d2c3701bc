/**
 * Runs another program without a shell, with a limited environment and a time limit. The program is
 * started in a new process group, so that the program and all its child processes can be killed
 * together. A program has ended when its main process has ended, even if a child process still has
 * the output open.
 *
 * @module
 */

import { checkStarted, cleanCommand } from "./clean_command.ts";
import { forEachChunk } from "./streams.ts";
import { sleep } from "./timers.ts";

/** The program to run. */
export interface SubprocessCall {
  /** The absolute path of the program. */
  readonly path: string;
  /**
   * The arguments. No shell reads them, so spaces and special characters have no special meaning.
   */
  readonly args: readonly string[];
  /** The environment of the program, in addition to `PASSED_VARIABLES`. */
  readonly env: Readonly<Record<string, string>>;
  /** The standard input of the program. The program does not have to read it. */
  readonly stdin: string;
  /** A signal that kills the program and every process that the program started. */
  readonly signal: AbortSignal;
}

/** The result of a program. */
export interface SubprocessEnd {
  /** The exit code, or 128 plus the signal number if a signal ended the program. */
  readonly code: number;
  /** The beginning of the standard output, at most 8 KiB. */
  readonly stdout: string;
  /** The end of the standard error, at most 8 KiB. */
  readonly stderr: string;
}

/** The maximum number of bytes that are kept of standard output, and also of standard error. */
export const MAX_OUTPUT_BYTES: number = 8 * 1024;

/**
 * The maximum time for reading output after the main process has ended, in milliseconds. The time
 * is limited, because a child process may keep the output open.
 */
const DRAIN_MS = 200;

/**
 * Runs a program until it ends.
 *
 * @throws the reason of `signal`, if `signal` aborted before the program succeeded
 * @throws {Deno.errors.NotFound | Deno.errors.PermissionDenied | Deno.errors.NotCapable} if the
 * program cannot be started
 */
export async function runSubprocess({ path, args, env, stdin, signal }: SubprocessCall): Promise<SubprocessEnd> {
  signal.throwIfAborted();
  const child = cleanCommand({ path, args, env }, {
    // A detached process gets a new process group.
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
    void sleep(DRAIN_MS, ended.signal).then(() => ended.abort());
    const output = await Promise.all([stdout, stderr]);
    ended.abort();
    await written;
    // If the program succeeded just before the signal aborted, the result is a success.
    if (code !== 0) signal.throwIfAborted();
    const [out, err] = output.map((bytes) => new TextDecoder().decode(bytes));
    checkStarted(path, err);
    return { code, stdout: out, stderr: err };
  } finally {
    signal.removeEventListener("abort", kill);
  }
}

/** The paths of the program `kill`. The background deliverer may run it, if it is installed. */
export const KILL_PROGRAMS: readonly string[] = ["/bin/kill", "/usr/bin/kill"];

/**
 * Kills the process group. `Deno.kill` requires the permission to run all programs. Without this
 * permission, the program `kill` is used. Without `kill`, only the main process is killed.
 */
function killGroup(child: Deno.ChildProcess): void {
  const args = ["-KILL", "--", `-${child.pid}`];
  const ways = [
    () => Deno.kill(-child.pid, "SIGKILL"),
    ...KILL_PROGRAMS.map((path) => () => void new Deno.Command(path, { args, stdin: "null" }).outputSync()),
    () => child.kill("SIGKILL"),
  ];
  for (const way of ways) {
    try {
      return way();
    } catch {
      // The permission or the program is missing, or the process has already ended.
    }
  }
}

/**
 * Writes the standard input of a program. If the program does not read the whole input, the error
 * is ignored.
 */
async function feed(stdin: WritableStream<Uint8Array>, text: string, signal: AbortSignal): Promise<void> {
  try {
    await new Blob([text]).stream().pipeTo(stdin, { signal });
  } catch {
    return;
  }
}

/** Reads an output of the program. */
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
