/**
 * One line of the journal.
 *
 * A line is UTF-8 JSON that ends in its own checksum: `{"v":1,"t":"enq",…,"c":"1a2b3c4d"}` and a line feed. The checksum covers
 * the bytes before `,"c":`, so that it is verified on the bytes as they lie on the disk. JSON holds no raw line feed, which makes the
 * line feed the place where reading finds its footing again after damage.
 *
 * @module
 */

import { crc32, crc32Value } from "./crc32.ts";
import { InvalidNotificationError } from "../base/errors.ts";
import type { Attempt, DeadLetter, FallbackFor, InDoubt, Replaced, Wait } from "./entry.ts";
import { hasShape, isKnownType } from "./record_schema.ts";

/** Opens a journal: who made it, and the counts that compaction carries over. */
export interface HeaderRecord {
  readonly t: "hdr";
  readonly time: number;
  readonly host: string;
  readonly possibleDuplicates?: number;
  /** Milliseconds since 1970. */
  readonly lastDelivery?: number;
}

/** An entry comes in. Its id is also its txnId. */
export interface EnqueueRecord {
  readonly t: "enq";
  readonly id: string;
  readonly time: number;
  readonly channel: string;
  readonly destination: string;
  /** Opaque to the queue. */
  readonly notification: unknown;
  /** Milliseconds since 1970. */
  readonly expires: number;
  readonly key?: string;
  /** What to call it when it is long delivered and a later one with the same key relates to it; without one, none does. */
  readonly title?: string;
  /** It says that what its key is about is over. */
  readonly resolves?: true;
  /** It takes the place of what waits in its lane with the same key. */
  readonly replaces?: true;
  /** The caller's own name for it: of two entries of a lane with the same one, the second is none. */
  readonly idempotencyKey?: string;
  /** It is a fallback: it leaves only when these have not been delivered by then, by id, milliseconds since 1970. */
  readonly fallbackFor?: FallbackFor;
  /** It came by the side door: its place is by its time, before what was written here meanwhile. */
  readonly spooled?: true;
  /** The files that it needs, by their names in `attachments/`: they stay there as long as it is in the queue. */
  readonly files?: readonly string[];
  /** It is a file, and belongs to what came in before it in its lane: its number among its files, from 1. */
  readonly attachmentIndex?: number;
}

/** Attempt `n` is about to leave. Until its answer is recorded nobody knows what became of it. */
export interface AttemptRecord {
  readonly t: "att";
  readonly id: string;
  readonly n: number;
  readonly time: number;
}

/**
 * Entries of one lane that still wait will be delivered together, by one event under this id: what is said of the digest is said of all of them. A version
 * that does not know this record goes on with each of them by itself.
 */
export interface BatchRecord {
  readonly t: "batch";
  /** Also its txnId. */
  readonly id: string;
  readonly time: number;
  readonly channel: string;
  readonly destination: string;
  /** Their ids, in the order of arrival. */
  readonly members: readonly string[];
}

/** Why an attempt did not deliver. `withdrawn` was announced and never left; `killed`: nobody is left who would hear its answer. */
export type NackClass = Wait["class"] | "withdrawn";

/** Attempt `n` did not deliver, as far as is known. */
export interface NackRecord {
  readonly t: "nack";
  readonly id: string;
  readonly n: number;
  readonly time: number;
  readonly class: NackClass;
  readonly reason: string;
  readonly status?: number;
  readonly errcode?: string;
  /** When to try again, milliseconds since 1970. */
  readonly next: number;
  /** The part of that wait which nobody may shorten: what the server asked for, or the gap after an ambiguous try. */
  readonly notBefore?: number;
}

/** Delivered: the end of an entry. */
export interface AckRecord {
  readonly t: "ack";
  readonly id: string;
  readonly time: number;
  /** `event_id` for Matrix. */
  readonly receipt: string;
  readonly via: "put" | "read-back";
  /** Whether an earlier attempt may have made another copy. */
  readonly possibleDuplicate?: true;
  /** The caller's own name for the entry, and its lane: so that it is known when the entry is long gone. */
  readonly idempotencyKey?: string;
  readonly channel?: string;
  readonly destination?: string;
}

/** Buried: it will not be tried again unless somebody asks for it. */
export interface DeadRecord {
  readonly t: "dead";
  readonly id: string;
  readonly time: number;
  readonly reason: string;
  /** The status of the answer that killed it. */
  readonly status?: number;
  readonly errcode?: string;
  /** Whether it was not delivered in time. */
  readonly expired?: true;
}

/** A person asks for another try: now, with a new expiry, also for the dead. */
export interface RetryRecord {
  readonly t: "retry";
  readonly id: string;
  readonly time: number;
  readonly expires: number;
}

/** A person drops an entry. */
export interface DropRecord {
  readonly t: "drop";
  readonly id: string;
  readonly time: number;
}

/** What compaction leaves of an entry's history, right behind its `enq`. */
export interface SnapshotRecord {
  readonly t: "snap";
  readonly id: string;
  readonly attempts: number;
  readonly inFlight?: Attempt;
  readonly inDoubt?: InDoubt;
  readonly wait?: Wait;
  readonly dead?: DeadLetter;
  readonly replaced?: Replaced;
  readonly forced?: true;
  readonly noBatch?: true;
}

/** What compaction leaves of a channel's history. */
export interface ChannelRecord {
  readonly t: "chan";
  readonly channel: string;
  readonly failures: number;
  readonly wait?: Wait;
}

/** What compaction leaves of a lane's deliveries. */
export interface LaneRecord {
  readonly t: "lane";
  readonly channel: string;
  readonly destination: string;
  /** When it delivered last, milliseconds since 1970, the newest at the end. */
  readonly delivered: readonly number[];
}

/** What compaction leaves of what a lane was told under a key, as long as it was not told that it is over. */
export interface IncidentRecord {
  readonly t: "incident";
  readonly channel: string;
  readonly destination: string;
  readonly key: string;
  /** The proof of the first delivery, which later ones relate to. */
  readonly receipt: string;
  /** Whether others were delivered with the first one, in a digest. */
  readonly isShared?: true;
  /** What the first one was called. */
  readonly title: string;
  /** When the first one came in, milliseconds since 1970; or what it had taken the place of. */
  readonly since: number;
  /** When the last one was delivered. */
  readonly told: number;
  /** How many were delivered. */
  readonly count: number;
}

/** Somebody asks for everything to be tried now: waits of our own choice that were decided before are over. */
export interface FlushRecord {
  readonly t: "flush";
  readonly time: number;
}

/** Any record that this version knows. */
export type JournalRecord =
  | HeaderRecord
  | EnqueueRecord
  | BatchRecord
  | AttemptRecord
  | NackRecord
  | AckRecord
  | DeadRecord
  | RetryRecord
  | DropRecord
  | SnapshotRecord
  | ChannelRecord
  | LaneRecord
  | IncidentRecord
  | FlushRecord;

/** The longest line, in bytes, its line feed included. */
export const MAX_LINE_BYTES: number = 128 * 1024;

/** The version that every record carries. */
const VERSION = 1;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** What every line begins with. */
const BEGINNING = encoder.encode('{"v":');
/** What ends a line, around its checksum. */
const TRAILER = encoder.encode(',"c":"00000000"}');
const FIRST_DIGIT_AT = ',"c":"'.length;
const DIGITS = 8;
const HEX = encoder.encode("0123456789abcdef");
const CR = 0x0d;
const BRACE = 0x7d;

/**
 * The bytes of a line.
 *
 * @throws {InvalidNotificationError} when it would be longer than {@linkcode MAX_LINE_BYTES}
 */
export function encodeRecord(record: JournalRecord): Uint8Array {
  const body = encoder.encode(JSON.stringify({ v: VERSION, ...record }).slice(0, -1));
  const trailer = encoder.encode(`,"c":"${crc32(body)}"}\n`);
  const line = new Uint8Array(body.length + trailer.length);
  line.set(body);
  line.set(trailer, body.length);
  if (line.length <= MAX_LINE_BYTES) return line;
  throw new InvalidNotificationError(
    `Cannot queue a notification of ${line.length} bytes: the limit is ${MAX_LINE_BYTES}`,
  );
}

/** What a line turned out to be: a record, one of a later version or type that is left alone, or damage. */
export type DecodedLine = { readonly record: JournalRecord } | "unknown" | "damaged";

/** Reads a line, without its line feed. A carriage return that some editor has left there is forgiven. */
export function decodeLine(line: Uint8Array): DecodedLine {
  const bytes = line.at(-1) === CR ? line.subarray(0, -1) : line;
  const end = bytes.length - TRAILER.length;
  if (end < 1 || !isTrailer(bytes.subarray(end), crc32Value(bytes.subarray(0, end)))) return "damaged";
  try {
    // Without its checksum: a short text of its own in each line is one that the engine keeps, for a journal of millions of them.
    const value = JSON.parse(textWithoutChecksum(bytes, end));
    if (value.v !== VERSION || !isKnownType(value.t)) return "unknown";
    return hasShape(value) ? { record: value } : "damaged";
  } catch {
    return "damaged";
  }
}

/** Whether a damaged line begins as ours do, and has no checksum where its own would be: its writer died over it. */
export function isUnfinished(line: Uint8Array): boolean {
  const begins = BEGINNING.every((byte, at) => at >= line.length || line[at] === byte);
  const end = line.subarray(-TRAILER.length);
  const hasTrailer = TRAILER.every((byte, at) => end[at] === byte || isDigitAt(at));
  return begins && !hasTrailer;
}

function isDigitAt(at: number): boolean {
  return at >= FIRST_DIGIT_AT && at < FIRST_DIGIT_AT + DIGITS;
}

/** The object that ends where its checksum begins. Its bytes are put back: a second copy of each line would double the garbage. */
function textWithoutChecksum(bytes: Uint8Array, end: number): string {
  bytes[end] = BRACE;
  try {
    return decoder.decode(bytes.subarray(0, end + 1));
  } finally {
    bytes[end] = TRAILER[0];
  }
}

/** Whether bytes are the trailer with this checksum, compared as bytes: a text for each line would be garbage at once. */
function isTrailer(bytes: Uint8Array, checksum: number): boolean {
  for (let at = 0; at < TRAILER.length; at++) {
    const shift = 4 * (FIRST_DIGIT_AT + DIGITS - 1 - at);
    if (bytes[at] !== (isDigitAt(at) ? HEX[checksum >>> shift & 0xf] : TRAILER[at])) return false;
  }
  return true;
}
