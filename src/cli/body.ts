/** Makes a message of a body or an output that may be longer than a message can be. */

import { cutEnds } from "../notification/cut.ts";
import { longBodyProblem, MAX_MESSAGE_BYTES } from "../notification/notification.ts";
import { decodeText, readableText } from "../notification/text.ts";
import { EndsBuffer, type StreamEnds } from "../runtime/streams.ts";

/** Creates a buffer for a body. It keeps as much of both ends as a message can have. */
export function createBodyBuffer(): EndsBuffer {
  return new EndsBuffer(MAX_MESSAGE_BYTES);
}

/**
 * Joins the ends of a body to a readable message.
 *
 * @param warn gets a sentence if a part of the body is missing
 */
export function toMessage({ beginning, end, missing }: StreamEnds, warn: (problem: string) => void): string {
  if (missing === 0) return readableText(decodeText(beginning));
  const total = beginning.length + missing + end.length;
  warn(longBodyProblem(total));
  const [first, last] = [beginning, end].map((bytes) => readableText(decodeText(bytes)));
  return cutEnds({ beginning: first, end: last, total }, MAX_MESSAGE_BYTES);
}
