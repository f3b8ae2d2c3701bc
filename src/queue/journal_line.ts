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
 * The notification of an entry is the last field before the checksum. Therefore the reader can
 * parse all other fields without the notification.
 *
 * @module
 */

import { formatBytes } from "../base/count.ts";
import { crc32Value } from "../base/crc32.ts";
import { InvalidNotificationError } from "../base/errors.ts";
import { type EnqueueRecord, hasValidFields, isKnownType, type JournalRecord } from "./record.ts";
import { type JsonStore, StoredJson } from "./stored_json.ts";

/** The longest line, in bytes, including the line feed. */
export const MAX_LINE_BYTES: number = 128 * 1024;

const VERSION = 1;
const BEGINNING = '{"v":';
/** The checksum field at the end of a line. */
const TRAILER_REGEXP = /,"c":".{8}"\}$/s;
const TRAILER = ',"c":"00000000"}';
const TRAILER_BYTES = TRAILER.length;
/** The position of the checksum in the trailer. */
const CHECKSUM_AT = ',"c":"'.length;
const CHECKSUM_CHARS = 8;
const HEX_DIGITS = "0123456789abcdef";
const CR = 0x0d;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

const encoder = new TextEncoder();
/** The beginning of the field `notification` in a line. */
const NOTIFICATION = encoder.encode(',"notification":{');
/**
 * The option `fatal` is not set, because decoding with `fatal` takes three times as long. It is not
 * needed: matrix-notify writes only UTF-8, and the checksum proves that the bytes did not change.
 */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Encodes a record as a line, including the line feed.
 *
 * @throws {InvalidNotificationError} if the line would be longer than {@linkcode MAX_LINE_BYTES}
 */
export function encodeRecord(record: JournalRecord): Uint8Array {
  const line = record.t === "enq" ? encodeEntry(record) : encodeFields({ v: VERSION, ...record });
  writeChecksum(line, line.length - TRAILER_BYTES - 1);
  if (line.length <= MAX_LINE_BYTES) return line;
  throw new InvalidNotificationError(`Cannot queue the notification: it is larger than ${formatBytes(MAX_LINE_BYTES)}`);
}

/** Encodes a new entry without its checksum. The text of a stored notification is copied. */
function encodeEntry(record: EnqueueRecord): Uint8Array {
  const { notification } = record, rest = { v: VERSION, ...record, notification: undefined };
  const text = notification instanceof StoredJson ? notification.text : undefined;
  if (text === undefined) return encodeFields(rest, `,"notification":${JSON.stringify(notification)}`);
  const fields = encodeFields(rest, ',"notification":');
  const line = new Uint8Array(fields.length + text.length);
  const at = fields.length - TRAILER_BYTES - 1;
  line.set(fields.subarray(0, at));
  line.set(text, at);
  line.set(fields.subarray(at), at + text.length);
  return line;
}

/**
 * Encodes fields as a line. `more` is JSON text that is added after the fields. The checksum in the
 * line is still `00000000`.
 */
function encodeFields(fields: Readonly<Record<string, unknown>>, more = ""): Uint8Array {
  return encoder.encode(`${JSON.stringify(fields).slice(0, -1)}${more}${TRAILER}\n`);
}

/**
 * The result of decoding a line. `unknown`: a later version of matrix-notify wrote the line, or the
 * record type is unknown. An unknown line is kept unchanged.
 */
export type DecodedLine = { readonly record: JournalRecord } | "unknown" | "damaged";

/**
 * Decodes a line. `line` does not include the line feed. Ignores a carriage return at the end,
 * which an editor may have added.
 *
 * @param store if given, the notification of an entry is stored there instead of being parsed
 */
export function decodeLine(line: Uint8Array, store?: JsonStore): DecodedLine {
  const length = (line.at(-1) === CR ? line.length - 1 : line.length) - TRAILER_BYTES;
  try {
    if (length <= 0 || !hasChecksum(line, length)) return "damaged";
    const entry = store && parseWithout(line, length, store);
    const record = entry ?? parse(line, length);
    if (record.v !== VERSION || !isKnownType(record.t)) return "unknown";
    return entry !== undefined || hasValidFields(record) ? { record } : "damaged";
  } catch {
    return "damaged";
  }
}

/**
 * Parses the fields of a line that end at `length`. For the call, a closing brace replaces the
 * comma that follows them. A brace that is added to the text would cost a copy of the text.
 */
// deno-lint-ignore no-explicit-any -- the type of `JSON.parse`; `hasValidFields` checks the fields
function parse(line: Uint8Array, length: number): any {
  const comma = line[length];
  line[length] = CLOSING_BRACE;
  const text = decoder.decode(line.subarray(0, length + 1));
  line[length] = comma;
  return JSON.parse(text);
}

/**
 * Parses and checks all fields except the notification. The notification is stored as text. Returns
 * undefined if a field is not valid, or if the line has no notification.
 */
// deno-lint-ignore no-explicit-any -- like `parse`
function parseWithout(line: Uint8Array, length: number, store: JsonStore): any {
  const at = findNotification(line);
  if (at < 0) return undefined;
  const record = parse(line, at);
  record.notification = store.add(line.subarray(at + NOTIFICATION.length - 1, length));
  if (!hasValidFields(record)) return undefined;
  record.channel = store.share(record.channel);
  record.destination = store.share(record.destination);
  return record;
}

/**
 * Returns the record of a new entry with its notification as unparsed JSON text in `store`. The
 * text is copied from `line`, which includes the line feed.
 */
export function storeNotification(record: EnqueueRecord, line: Uint8Array, store: JsonStore): EnqueueRecord {
  const at = findNotification(line);
  if (at < 0) return record;
  const [channel, destination] = [store.share(record.channel), store.share(record.destination)];
  const text = line.subarray(at + NOTIFICATION.length - 1, line.length - TRAILER_BYTES - 1);
  return { ...record, channel, destination, notification: store.add(text) };
}

/**
 * Returns the position where the field `notification` begins, or -1. The text of another field
 * cannot contain the bytes `NOTIFICATION`, because JSON escapes quotes in texts.
 */
function findNotification(line: Uint8Array): number {
  for (let brace = line.indexOf(OPENING_BRACE, 1); brace >= 0; brace = line.indexOf(OPENING_BRACE, brace + 1)) {
    const at = brace - NOTIFICATION.length + 1;
    let same = 0;
    while (same < NOTIFICATION.length && line[at + same] === NOTIFICATION[same]) same++;
    if (same === NOTIFICATION.length) return at;
  }
  return -1;
}

/**
 * Returns true if a damaged line begins like a record but has no checksum at its end. Such a line
 * remains when a process is killed during the write.
 */
export function isUnfinished(line: Uint8Array): boolean {
  const text = new TextDecoder("latin1").decode(line);
  return BEGINNING.startsWith(text.slice(0, BEGINNING.length)) && !TRAILER_REGEXP.test(text);
}

/** Writes the checksum of the first `length` bytes into the checksum field that follows them. */
function writeChecksum(line: Uint8Array, length: number): void {
  const checksum = crc32Value(line, length);
  for (let at = 0; at < CHECKSUM_CHARS; at++) line[length + CHECKSUM_AT + at] = hexDigit(checksum, at);
}

/** Returns true if a field with the correct checksum follows the first `length` bytes. */
function hasChecksum(line: Uint8Array, length: number): boolean {
  const checksum = crc32Value(line, length);
  for (let at = 0; at < TRAILER_BYTES; at++) {
    const digit = at - CHECKSUM_AT;
    const isDigit = digit >= 0 && digit < CHECKSUM_CHARS;
    if (line[length + at] !== (isDigit ? hexDigit(checksum, digit) : TRAILER.charCodeAt(at))) return false;
  }
  return true;
}

/** Returns the ASCII code of one of the eight lower-case hex digits of a number. */
function hexDigit(value: number, at: number): number {
  return HEX_DIGITS.charCodeAt(value >>> 28 - 4 * at & 0xf);
}
