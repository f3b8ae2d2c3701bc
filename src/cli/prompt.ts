/** Questions on a terminal. They go to standard error, since standard output is data. */

import { InterruptedError } from "../base/errors.ts";
import type { Stdio } from "../runtime/runtime.ts";

const KEYS = { interrupt: "\x03", endOfInput: "\x04", backspace: "\b", escape: "\x1b", clear: "\x15", delete: "\x7f" };

/**
 * Asks for a secret, and shows nothing of it. The terminal is as it was before, whatever happens.
 *
 * @throws {InterruptedError} when there is no answer
 */
export async function askSecret(question: string, stdio: Stdio): Promise<string> {
  // First, so that nothing is shown of what somebody types, or pastes, as soon as the question is there.
  stdio.setRaw(true);
  try {
    stdio.stderr(question);
    return await readUnseen(stdio);
  } finally {
    stdio.setRaw(false);
    stdio.stderr("\n");
  }
}

/**
 * Asks for a line, which the terminal shows as it is typed.
 *
 * @returns undefined when the input ends first
 * @throws the signal's reason, when that comes first
 */
export async function askLine(
  question: string,
  stdio: Stdio,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<string | undefined> {
  stdio.stderr(question);
  const line = await unlessAborted(readLine(stdio), signal);
  if (line === undefined) stdio.stderr("\n");
  return line;
}

/**
 * Waits for something that cannot be called off. What it comes to later is nobody's.
 *
 * @throws the signal's reason, when that comes first
 */
export async function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
  if (signal === undefined) return await work;
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = () => reject(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop);
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/**
 * Reads one line as it is typed.
 *
 * @returns undefined when the input ends first
 */
export async function readLine(stdio: Stdio): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let line = "";
  for (;;) {
    const bytes = await stdio.readInput();
    if (bytes === undefined) return line === "" ? undefined : line;
    line += decoder.decode(bytes, { stream: true });
    const end = line.search(/[\r\n]/);
    if (end >= 0) return line.slice(0, end);
  }
}

async function readUnseen(stdio: Stdio): Promise<string> {
  const decoder = new TextDecoder();
  const typed: string[] = [];
  for (;;) {
    const bytes = await stdio.readInput();
    if (bytes === undefined) throw interrupted();
    for (const key of withoutSequences(decoder.decode(bytes, { stream: true }))) {
      if (key === "\r" || key === "\n") return typed.join("");
      if (key === KEYS.interrupt || (key === KEYS.endOfInput && typed.length === 0)) throw interrupted();
      if (key === KEYS.backspace || key === KEYS.delete) typed.pop();
      else if (key === KEYS.clear) typed.length = 0;
      else if (!/\p{Cc}/u.test(key)) typed.push(key);
    }
  }
}

/** An arrow, or another key that types nothing, comes as a sequence of its own. */
function withoutSequences(text: string): string {
  const [first, ...sequences] = text.split(KEYS.escape);
  return first + sequences.map((sequence) => sequence.replace(/^(\[[\d;]*[A-Za-z~]|O.)/, "")).join("");
}

function interrupted(): InterruptedError {
  return new InterruptedError("Stopped: nothing was changed");
}
