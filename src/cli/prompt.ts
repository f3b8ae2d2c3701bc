/**
 * Asks questions on a terminal. The questions are printed to standard error, because standard
 * output is for data.
 */

import { printable } from "../base/printable.ts";
import { InterruptedError } from "../base/errors.ts";
import { untilAborted } from "../runtime/abort.ts";
import type { Stdio } from "../runtime/runtime.ts";

const KEYS = { interrupt: "\x03", endOfInput: "\x04", backspace: "\b", escape: "\x1b", clear: "\x15", delete: "\x7f" };

/**
 * Asks for a secret. The terminal does not show the typed characters. At the end, the mode of the
 * terminal is restored, even after an error.
 *
 * @throws {InterruptedError} if the user presses Ctrl-C or the input ends
 */
export async function askSecret(question: string, stdio: Stdio): Promise<string> {
  // In raw mode, the terminal does not show typed characters. Raw mode begins before the question
  // is printed, because the user may type early.
  stdio.setRaw(true);
  try {
    stdio.stderr(printable(question));
    return await readSecretLine(stdio);
  } finally {
    stdio.setRaw(false);
    stdio.stderr("\n");
  }
}

/**
 * Asks for a line of text.
 *
 * @returns the line, or undefined if the input ends
 * @throws the reason of the signal if the signal aborts before the answer
 */
export async function askLine(
  question: string,
  stdio: Stdio,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<string | undefined> {
  stdio.stderr(printable(question));
  const line = await untilAborted(readLine(stdio), signal);
  if (line === undefined) stdio.stderr("\n");
  return line;
}

/**
 * Reads one line.
 *
 * @returns the line without its line break, or undefined if the input has already ended
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

async function readSecretLine(stdio: Stdio): Promise<string> {
  const decoder = new TextDecoder();
  const typed: string[] = [];
  for (;;) {
    const bytes = await stdio.readInput();
    if (bytes === undefined) throw createInterruptedError();
    for (const key of removeEscapeSequences(decoder.decode(bytes, { stream: true }))) {
      if (key === "\r" || key === "\n") return typed.join("");
      if (key === KEYS.interrupt || (key === KEYS.endOfInput && typed.length === 0)) throw createInterruptedError();
      if (key === KEYS.backspace || key === KEYS.delete) typed.pop();
      else if (key === KEYS.clear) typed.length = 0;
      else if (!/\p{Cc}/u.test(key)) typed.push(key);
    }
  }
}

/** Removes the escape sequences of arrow keys and other special keys. */
function removeEscapeSequences(text: string): string {
  const [first, ...sequences] = text.split(KEYS.escape);
  return first + sequences.map((sequence) => sequence.replace(/^(\[[\d;]*[A-Za-z~]|O.)/, "")).join("");
}

function createInterruptedError(): InterruptedError {
  return new InterruptedError("Stopped: nothing was changed");
}
