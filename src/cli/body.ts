/** Shortens a body or a command's output to the maximum length of a message. */

import { cutEnds } from "../notification/cut.ts";
import { longBodyProblem, MAX_MESSAGE_BYTES } from "../notification/notification.ts";
import { decodeText, readableText } from "../notification/text.ts";
import { EndsBuffer, type StreamEnds } from "../runtime/streams.ts";

/**
 * Creates a buffer that keeps the beginning and the end of a body. Each part can be as long as a
 * message.
 */
export function createBodyBuffer(): EndsBuffer {
  return new EndsBuffer(MAX_MESSAGE_BYTES);
}

/**
 * Joins the beginning and the end of a body to a message. If the middle is missing, shortens the
 * message to the maximum length.
 *
 * @param warn called with a warning if the middle is missing
 */
export function toMessage({ beginning, end, missing }: StreamEnds, warn: (problem: string) => void): string {
  if (missing === 0) return readableText(decodeText(beginning));
  const total = beginning.length + missing + end.length;
  warn(longBodyProblem(total));
  const [first, last] = [beginning, end].map((bytes) => readableText(decodeText(bytes)));
  return cutEnds({ beginning: first, end: last, total }, MAX_MESSAGE_BYTES);
}
