/**
 * Runs a command with the standard input, environment, directory and process group of
 * matrix-notify. Prints the output of the command unchanged, stores the end of the output, and
 * forwards signals to the command.
 *
 * @module
 */

import { decodeText, readableText } from "../notification/text.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { forEachChunk } from "../runtime/streams.ts";

/**
 * The end of a command. `code` has the value that a shell would return: the exit code of the
 * command, 126 (not executable), 127 (not found), or 128 plus the number of the signal that ended
 * it.
 */
export type CommandEnd =
  | { readonly how: "exit"; readonly code: number }
  | { readonly how: "signal"; readonly code: number; readonly signal: string }
  | { readonly how: "no start"; readonly code: number; readonly reason: string };

/** The signals that are forwarded to the command. */
const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

/**
 * The maximum time to read the output after the command has ended, in milliseconds. The output can
 * stay open for a long time if the command started a background process.
 */
const DRAIN_MS = 2000;

/** Runs a command without a shell. Searches for the command in `PATH`. */
export async function supervise(
  command: readonly string[],
  { stdio, timeout }: Pick<Runtime, "stdio" | "timeout">,
): Promise<CommandEnd & { readonly output: OutputTail }> {
  const output = new OutputTail();
  const child = start(command);
  if ("how" in child) return { ...child, output };
  const stopPassing = passSignals(child, stdio.stdinIsTerminal());
  const pass = (to: "stdout" | "stderr") => (chunk: Uint8Array) => {
    output.push(chunk);
    stdio.pass(to, chunk);
  };
  const giveUp = new AbortController();
  const reads = [
    forEachChunk(child.stdout, pass("stdout"), giveUp.signal),
    forEachChunk(child.stderr, pass("stderr"), giveUp.signal),
  ];
  const { code, signal } = await child.status;
  stopPassing();
  const limit = timeout(DRAIN_MS);
  if (limit.aborted) giveUp.abort();
  else limit.addEventListener("abort", () => giveUp.abort());
  await Promise.all(reads);
  return signal === null ? { how: "exit", code, output } : { how: "signal", code, signal, output };
}

function start([path, ...args]: readonly string[]): Deno.ChildProcess | CommandEnd {
  try {
    return new Deno.Command(path, { args, stdin: "inherit", stdout: "piped", stderr: "piped" }).spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      return { how: "no start", code: 127, reason: "there is no such command" };
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      return { how: "no start", code: 126, reason: "permission is denied" };
    }
    if (error instanceof Deno.errors.NotCapable || !(error instanceof Error)) throw error;
    return { how: "no start", code: 126, reason: error.message };
  }
}

/**
 * Forwards signals to the command. Does not forward Ctrl-C on a terminal, because the terminal
 * sends SIGINT to the whole process group: to matrix-notify and to the command.
 */
function passSignals(child: Deno.ChildProcess, isOnTerminal: boolean): () => void {
  const listeners = SIGNALS.map((signal) => {
    const pass = () => {
      if (isOnTerminal && signal === "SIGINT") return;
      try {
        child.kill(signal);
      } catch {
        // The command has ended.
        return;
      }
    };
    Deno.addSignalListener(signal, pass);
    return () => Deno.removeSignalListener(signal, pass);
  });
  return () => listeners.forEach((remove) => remove());
}

const MAX_LINES = 50;
const MAX_BYTES = 8 * 1024;

/** Stores the end of an output: the last 50 lines, at most 8 KiB. */
export class OutputTail {
  #bytes = new Uint8Array();
  #isCut = false;

  push(chunk: Uint8Array): void {
    const all = new Uint8Array(this.#bytes.length + chunk.length);
    all.set(this.#bytes);
    all.set(chunk, this.#bytes.length);
    this.#isCut ||= all.length > MAX_BYTES;
    this.#bytes = all.slice(-MAX_BYTES);
  }

  /**
   * Returns the lines as a terminal would show them. Adds a first line if earlier lines are missing.
   */
  toString(): string {
    // The first bytes can be the rest of a character whose beginning was removed.
    const start = this.#isCut ? this.#bytes.findIndex((byte) => (byte & 0xc0) !== 0x80) : 0;
    const lines = readableText(decodeText(this.#bytes.subarray(Math.max(0, start)))).trimEnd().split("\n");
    const isCut = this.#isCut || lines.length > MAX_LINES;
    return [...(isCut ? ["✂ Only the end of the output:"] : []), ...lines.slice(-MAX_LINES)].join("\n");
  }
}
