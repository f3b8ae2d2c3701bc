/**
 * The format of a line in the journal.
 *
 * ```text
 * {"v":1,"t":"enq","id":"…",…,"c":"1a2b3c4d"} LF
 * └────────── checksummed ──┘     └ CRC-32 ┘
 * ```
 *
 * A line is UTF-8 JSON with a checksum as its last field, followed by LF. The checksum is computed
 * from all bytes before `,"c":` and is verified before the JSON is parsed. The JSON text does not
 * contain line feeds. Therefore, after a damaged line, the reader can continue after the next LF.
 *
 * @module
 */

import { crc32 } from "../base/crc32.ts";
import { InvalidNotificationError } from "../base/errors.ts";
import { hasValidFields, isKnownType, type JournalRecord } from "./record.ts";

/** The longest line, in bytes, including the line feed. */
export const MAX_LINE_BYTES: number = 128 * 1024;

const VERSION = 1;
const BEGINNING = '{"v":';
/** The checksum field at the end of a line. */
const TRAILER_REGEXP = /,"c":".{8}"\}$/s;
const TRAILER_BYTES = ',"c":"00000000"}'.length;
const CR = 0x0d;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Encodes a record as a line, including the line feed.
 *
 * @throws {InvalidNotificationError} if the line would be longer than {@linkcode MAX_LINE_BYTES}
 */
export function encodeRecord(record: JournalRecord): Uint8Array {
  const body = JSON.stringify({ v: VERSION, ...record }).slice(0, -1);
  const line = encoder.encode(`${body}${trailer(encoder.encode(body))}\n`);
  if (line.length <= MAX_LINE_BYTES) return line;
  throw new InvalidNotificationError(
    `Cannot queue a notification of ${line.length} bytes: the limit is ${MAX_LINE_BYTES}`,
  );
}

/**
 * The result of decoding a line. `unknown`: a later version of matrix-notify wrote the line, or the
 * record type is unknown. An unknown line is kept unchanged.
 */
export type DecodedLine = { readonly record: JournalRecord } | "unknown" | "damaged";

/**
 * Decodes a line. `line` does not include the line feed. Ignores a carriage return at the end,
 * which an editor may have added.
 */
export function decodeLine(line: Uint8Array): DecodedLine {
  const bytes = line.at(-1) === CR ? line.subarray(0, -1) : line;
  const body = bytes.subarray(0, Math.max(0, bytes.length - TRAILER_BYTES));
  try {
    const text = decoder.decode(bytes);
    if (body.length === 0 || !text.endsWith(trailer(body))) return "damaged";
    const record = JSON.parse(`${text.slice(0, -TRAILER_BYTES)}}`);
    if (record.v !== VERSION || !isKnownType(record.t)) return "unknown";
    return hasValidFields(record) ? { record } : "damaged";
  } catch {
    return "damaged";
  }
}

/**
 * Returns true if a damaged line begins like a record but has no checksum at its end. Such a line
 * remains when a process is killed during the write.
 */
export function isUnfinished(line: Uint8Array): boolean {
  const text = new TextDecoder("latin1").decode(line);
  return BEGINNING.startsWith(text.slice(0, BEGINNING.length)) && !TRAILER_REGEXP.test(text);
}

function trailer(body: Uint8Array): string {
  return `,"c":"${crc32(body)}"}`;
}
