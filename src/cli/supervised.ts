/**
 * Running a command in our place: with our standard input, environment, folder and process group, so that it hardly notices. What it says passes through and is
 * heard; what we are told to do by signals it is told.
 *
 * @module
 */

import type { Runtime } from "../runtime/runtime.ts";

/** How a command ended. */
export type CommandEnd =
  | { readonly how: "exit"; readonly code: number }
  | { readonly how: "signal"; readonly code: number; readonly signal: string }
  | { readonly how: "no start"; readonly code: number; readonly reason: string };

/** How to run it. */
export interface SuperviseOptions {
  readonly runtime: Pick<Runtime, "stdio" | "timeout">;
  /** Hears everything that it says, in the order in which it comes. */
  readonly onOutput: (chunk: Uint8Array) => void;
}

/** What we pass on. */
const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

/** How long what it has said may take to arrive once it has ended: what it left behind may hold its output for ever. Milliseconds. */
const DRAIN_MS = 2000;

/** Runs a command, which is found by `PATH` and started without a shell. Codes are those of a shell: 126, 127, 128 and the signal's number. */
export async function supervise(command: readonly string[], options: SuperviseOptions): Promise<CommandEnd> {
  const { stdio, timeout } = options.runtime;
  const child = start(command);
  if ("how" in child) return child;
  const stopPassing = passSignals(child, stdio.stdinIsTerminal());
  const pass = (to: "stdout" | "stderr") => (chunk: Uint8Array) => {
    options.onOutput(chunk);
    stdio.pass(to, chunk);
  };
  const over = new AbortController();
  const outputs = [read(child.stdout, pass("stdout"), over.signal), read(child.stderr, pass("stderr"), over.signal)];
  const { code, signal } = await child.status;
  stopPassing();
  const limit = timeout(DRAIN_MS);
  if (limit.aborted) over.abort();
  else limit.addEventListener("abort", () => over.abort());
  await Promise.all(outputs);
  return signal === null ? { how: "exit", code } : { how: "signal", code, signal };
}

function start([path, ...args]: readonly string[]): Deno.ChildProcess | CommandEnd {
  try {
    return new Deno.Command(path, { args, stdin: "inherit", stdout: "piped", stderr: "piped" }).spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      return { how: "no start", code: 127, reason: "there is no such command" };
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      return { how: "no start", code: 126, reason: "it may not be run" };
    }
    if (error instanceof Deno.errors.NotCapable || !(error instanceof Error)) throw error;
    return { how: "no start", code: 126, reason: error.message };
  }
}

/** What is typed on a terminal the terminal tells the command itself. */
function passSignals(child: Deno.ChildProcess, isOnTerminal: boolean): () => void {
  const listeners = SIGNALS.map((signal) => {
    const pass = () => {
      if (isOnTerminal && signal === "SIGINT") return;
      try {
        child.kill(signal);
      } catch {
        // It has ended by itself.
        return;
      }
    };
    Deno.addSignalListener(signal, pass);
    return () => Deno.removeSignalListener(signal, pass);
  });
  return () => listeners.forEach((remove) => remove());
}

async function read(
  stream: ReadableStream<Uint8Array>,
  onChunk: (chunk: Uint8Array) => void,
  signal: AbortSignal,
): Promise<void> {
  const reader = stream.getReader();
  const stop = () => void reader.cancel();
  signal.addEventListener("abort", stop);
  for (let part = await reader.read(); !part.done; part = await reader.read()) onChunk(part.value);
  signal.removeEventListener("abort", stop);
}
