/**
 * One line of the journal, as bytes.
 *
 * ```text
 * {"v":1,"t":"enq","id":"…",…,"c":"1a2b3c4d"} LF
 * └────────── checksummed ──┘     └ CRC-32 ┘
 * ```
 *
 * A line is UTF-8 JSON that ends with its own checksum and LF. The checksum covers the bytes before
 * `,"c":`, so that it is verified on the bytes of the disk, before they are parsed. JSON has no raw
 * line feed, so reading continues after damage at the next LF.
 *
 * @module
 */

import { InvalidNotificationError } from "../base/errors.ts";
import { hasValidFields, isKnownType, type JournalRecord } from "./record.ts";

/** The longest line, in bytes, with its line feed. */
export const MAX_LINE_BYTES: number = 128 * 1024;

const VERSION = 1;
const BEGINNING = '{"v":';
/** The checksum and what surrounds it, at the end of a line. */
const TRAILER_REGEXP = /,"c":".{8}"\}$/s;
const TRAILER_BYTES = ',"c":"00000000"}'.length;
const CR = 0x0d;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Encodes a record as a line, with its line feed.
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
 * A record; `unknown` for a line of a later version or of an unknown type, which is kept as it is;
 * or `damaged`.
 */
export type DecodedLine = { readonly record: JournalRecord } | "unknown" | "damaged";

/** Decodes a line without its line feed. A carriage return that an editor added is ignored. */
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
 * Whether a damaged line begins like a record and has no checksum at its end: its writer died while
 * writing it.
 */
export function isUnfinished(line: Uint8Array): boolean {
  const text = new TextDecoder("latin1").decode(line);
  return BEGINNING.startsWith(text.slice(0, BEGINNING.length)) && !TRAILER_REGEXP.test(text);
}

function trailer(body: Uint8Array): string {
  return `,"c":"${crc32(body)}"}`;
}

/**
 * The tables of {@linkcode crc32} in one: table k holds what a byte adds to the checksum if k bytes
 * follow it in the same step.
 */
const TABLE: Int32Array = createCrcTable();

function createCrcTable(): Int32Array {
  const table = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    table[byte] = value;
  }
  for (let at = 256; at < table.length; at++) {
    const before = table[at - 256];
    table[at] = (before >>> 8) ^ table[before & 0xff];
  }
  return table;
}

/**
 * Computes the CRC-32 (IEEE 802.3, as in zlib and gzip) of bytes, as eight lower-case hex digits.
 * `node:zlib` has it too, but takes 25 ms to load.
 *
 * Every byte of the journal is checked at each start. So eight bytes are taken a step
 * ("slicing-by-8": Kounavis and Berry, "Novel Table Lookup-Based Algorithms for High-Performance
 * CRC Generation", 2008), which is seven times as fast as one byte a step. V8 computes fastest with
 * signed integers.
 */
export function crc32(bytes: Uint8Array): string {
  const whole = bytes.length - bytes.length % 8;
  let value = -1, at = 0;
  for (; at < whole; at += 8) {
    value ^= bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24;
    value = TABLE[0x700 | value & 0xff] ^ TABLE[0x600 | value >>> 8 & 0xff] ^ TABLE[0x500 | value >>> 16 & 0xff] ^
      TABLE[0x400 | value >>> 24] ^ TABLE[0x300 | bytes[at + 4]] ^ TABLE[0x200 | bytes[at + 5]] ^
      TABLE[0x100 | bytes[at + 6]] ^ TABLE[bytes[at + 7]];
  }
  for (; at < bytes.length; at++) value = value >>> 8 ^ TABLE[(value ^ bytes[at]) & 0xff];
  return (~value >>> 0).toString(16).padStart(8, "0");
}
