/**
 * Opens the file with a body, and shortens a body or a command's output to the maximum length of a
 * message.
 *
 * @module
 */

import { cutEnds } from "../notification/cut.ts";
import { LONG_BODY_PROBLEM, MAX_MESSAGE_BYTES } from "../notification/notification.ts";
import { decodeText, readableText } from "../notification/text.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { EndsBuffer, type StreamEnds } from "../runtime/streams.ts";

/**
 * Creates a buffer that keeps the beginning and the end of a body. Each part can be as long as a
 * message.
 */
export function createBodyBuffer(): EndsBuffer {
  return new EndsBuffer(MAX_MESSAGE_BYTES);
}

/**
 * Creates a message from the beginning and the end of a body. If the middle of the body is missing,
 * shortens the message to the maximum length.
 *
 * @param warn called with a warning if the middle is missing
 */
export function toMessage({ beginning, end, missing }: StreamEnds, warn: (problem: string) => void): string {
  if (missing === 0) return readableText(decodeText(beginning));
  const total = beginning.length + missing + end.length;
  warn(LONG_BODY_PROBLEM);
  const [first, last] = [beginning, end].map((bytes) => readableText(decodeText(bytes)));
  return cutEnds({ beginning: first, end: last, total }, MAX_MESSAGE_BYTES);
}

/** The longest time to wait until a program opens a pipe for writing, in milliseconds. */
const WRITER_WAIT_MS = 10_000;

/**
 * Opens the file with a body. Opening a pipe blocks until another program opens it for writing.
 *
 * @throws {Error} if the file cannot be opened, or if no program opens the pipe within 10 s
 */
export async function openBody(path: string, { sleep }: Pick<Runtime, "sleep">): Promise<ReadableStream<Uint8Array>> {
  const { isFifo } = await Deno.stat(path);
  const opening = Deno.open(path);
  if (!isFifo) return (await opening).readable;
  const done = new AbortController();
  const file = await Promise.race([opening, sleep(WRITER_WAIT_MS, done.signal)]);
  done.abort();
  if (file) return file.readable;
  // Closes the file if a program opens the pipe later. matrix-notify can end before that.
  opening.then((late) => late.close(), () => {});
  throw new Error(`It is a pipe, and no program has opened it for writing within ${WRITER_WAIT_MS / 1000} s`);
}
