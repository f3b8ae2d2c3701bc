/**
 * The records of the journal. All records are defined in {@linkcode FIELDS}. The types of records,
 * the checks of lines, and the list of copied fields are derived from {@linkcode FIELDS}. To add a
 * field, add a line to {@linkcode FIELDS}.
 *
 * Another version of matrix-notify may have written a line, with other values in a field. Therefore
 * each field that affects the state of the queue is checked. Flags and details are not checked,
 * because an unexpected flag or detail must not cause the loss of an entry.
 *
 * @module
 */

import type { ResponseClass } from "../base/errors.ts";
import { isObject } from "../base/fields.ts";

/** A field of a record. `value` is never set; it exists only for the type. */
interface Field<Value, Missing extends boolean = false> {
  readonly check: (value: unknown) => boolean;
  readonly isOptional: Missing;
  readonly value?: Value;
}

const isAnything = () => true;
const isNumber = (value: unknown) => typeof value === "number";
const isString = (value: unknown) => typeof value === "string";

const text = required<string>(isString);
const number = required<number>(isNumber);
const texts = required<readonly string[]>((value) => Array.isArray(value) && value.every(isString));
const numbers = required<readonly number[]>((value) => Array.isArray(value) && value.every(isNumber));
const times = required<Readonly<Record<string, number>>>((value) =>
  isObject(value) && Object.values(value).every(isNumber)
);

function required<Value>(check: Field<Value>["check"]): Field<Value> {
  return { check, isOptional: false };
}

function optional<Value>({ check }: Field<Value>): Field<Value, true> {
  return { check, isOptional: true };
}

/** Defines a field whose value is an object. The fields of the object are not checked. */
function object<Value>(): Field<Value> {
  return required(isObject);
}

/**
 * Defines a field whose value is a text. Accepts texts other than `Value`, because a later version
 * of matrix-notify may use them.
 */
function word<Value extends string>(): Field<Value> {
  return required(isString);
}

/** Defines a field that can be missing and can have any value. */
function unchecked<Value>(): Field<Value, true> {
  return { check: isAnything, isOptional: true };
}

/** The kinds of failures after which an entry stays in the queue. */
export type WaitClass = Exclude<ResponseClass, "rejected"> | "unverified";

/** The kind of a failure. `withdrawn`: the attempt was announced but did not start. */
export type NackClass = WaitClass | "withdrawn";

/**
 * The entries that are tried before a fallback: their ids, each with a deadline in milliseconds
 * since 1970.
 */
export type FallbackFor = Readonly<Record<string, number>>;

/** An attempt that was announced. */
export interface Attempt {
  readonly n: number;
  /** The time of the announcement, in milliseconds since 1970. */
  readonly time: number;
}

/**
 * The attempts with an unknown outcome. If a later attempt is rejected, the outcome of the earlier
 * attempts is still unknown.
 */
export interface InDoubt {
  /** The time of the first attempt with an unknown outcome, in milliseconds since 1970. */
  readonly since: number;
  /**
   * The time when the last attempt with an unknown outcome ended, in milliseconds since 1970. If
   * the exact time is not known, a later time is stored.
   */
  readonly until: number;
}

/** Why and when an entry became a dead letter (an entry that is not tried any more). */
export interface DeadLetter {
  readonly reason: string;
  /** The time when the entry became a dead letter, in milliseconds since 1970. */
  readonly time: number;
  /** Set if the entry was not delivered before its time of expiry. */
  readonly expired?: true;
}

/** A summary of the waiting entries that a newer entry with the same key replaced. */
export interface Replaced {
  readonly count: number;
  /** The time when the oldest replaced entry was enqueued, in milliseconds since 1970. */
  readonly since: number;
  /**
   * Like `since`, but ignores entries that report the end of a problem. Not set if there are only
   * such entries.
   */
  readonly fired?: number;
}

/** The wait of an entry or a whole channel after a failure. */
export interface Wait {
  readonly class: WaitClass;
  readonly reason: string;
  /** The time when the attempt failed, in milliseconds since 1970. */
  readonly since: number;
  /**
   * The time of the next attempt, in milliseconds since 1970. A flush (a request to try all entries
   * now) can set `next` to the value of `notBefore`.
   */
  readonly next: number;
  /** The earliest time of the next attempt, even after a flush. */
  readonly notBefore: number;
}

/**
 * The waits that a flush ends. `backoff`: all waits except those that a server asked for. `all`:
 * also the waits that a server asked for. `outage`: only the waits that began because the server or
 * the network was down.
 */
export type FlushReach = "outage" | "backoff" | "all";

const ID = { id: text, time: number };
const LANE = { channel: text, destination: text };

/**
 * The fields of each record type, in the order in which they are written to the journal. Times are
 * in milliseconds since 1970.
 */
const FIELDS = {
  /**
   * The first line of a journal: the time and the host of its creation. A compaction (a rewrite of
   * the journal) also writes the number of possible duplicates and the time of the last delivery.
   */
  hdr: { time: number, host: text, possibleDuplicates: optional(number), lastDelivery: optional(number) },

  /** A new entry. The id of the entry is also its txnId (Matrix transaction id). */
  enq: {
    ...ID,
    ...LANE,
    /**
     * The notification. The queue does not read the fields of this object. In an entry that was
     * read from the journal, the notification is stored as text; see `notificationOf`.
     */
    notification: object<unknown>(),
    expires: number,
    key: optional(text),
    /** The sender that the key belongs to. @default this user */
    sender: optional(text),
    /**
     * The title of the incident that this entry opens. The title is used in later notifications
     * with the same key. An entry without a title does not open an incident.
     */
    title: optional(text),
    /** Set if this entry reports the end of the incident with the same key. */
    resolves: unchecked<true>(),
    /**
     * Set if this entry replaces the waiting entries with the same key, channel and destination.
     */
    replaces: unchecked<true>(),
    /**
     * An id from the caller. A second entry with the same id, channel and destination is a
     * duplicate.
     */
    idempotencyKey: optional(text),
    /** The entries that are tried before this entry, with deadlines. Only set for a fallback. */
    fallbackFor: optional(times),
    /**
     * Set if the entry was first written to `spool/`, because the journal could not be written. The
     * entry is inserted before all entries with a later time.
     */
    spooled: unchecked<true>(),
    /**
     * The names of the files of this entry in `attachments/`. The files are kept while the entry is
     * in the queue.
     */
    files: optional(texts),
    /**
     * The number of the attachment, starting at 1. Only set if this entry is an attachment. An
     * earlier entry then contains the text of the notification.
     */
    attachmentIndex: optional(number),
    /**
     * The id of a batch (several entries in one message). Only set if this entry sends the file
     * with the full texts of the batch. If the batch is split into separate entries again, this
     * entry is removed.
     */
    ofBatch: optional(text),
  },

  /**
   * A batch: entries with the same channel and destination, which are sent in one message. An older
   * version of matrix-notify that does not know batches sends each entry separately.
   */
  batch: {
    /** The id is also the txnId of the message. */
    ...ID,
    ...LANE,
    /** The ids of the entries of the batch, in the order of arrival. */
    members: texts,
    /**
     * Set if the message contains only one line for each entry, and a file contains the full texts.
     */
    style: unchecked<"lines">(),
    /**
     * Data about the file with the full texts. Not set if the message contains no file. The queue
     * does not read the data.
     */
    file: unchecked<unknown>(),
    /** The name of the file with the full texts, in `attachments/`. */
    files: optional(texts),
  },

  /**
   * Attempt `n` of an entry is announced: this record is on disk before the attempt starts. The
   * outcome of the attempt is unknown until the next record with the same id.
   */
  att: { id: text, n: number, time: number },

  /** Attempt `n` of an entry failed, did not start, or has an unknown outcome. */
  nack: {
    id: text,
    n: number,
    time: number,
    class: word<NackClass>(),
    reason: text,
    status: unchecked<number>(),
    errcode: unchecked<string>(),
    /** The time of the next attempt. */
    next: number,
    /**
     * The earliest time of the next attempt, even after a flush. This time comes from the
     * `Retry-After` header of the server, or from the pause after an attempt with an unknown
     * outcome.
     */
    notBefore: optional(number),
    /**
     * Set if the process that sent the entry was killed before the response arrived. The attempt
     * does not count as a failure of the channel.
     */
    killed: unchecked<true>(),
  },

  /** The entry was delivered and is removed from the queue. */
  ack: {
    id: text,
    time: number,
    /** The proof of delivery from the service (Matrix: the `event_id`). */
    receipt: text,
    via: word<"put" | "read-back">(),
    /**
     * Set if an earlier attempt may have delivered the entry too. The entry may then have arrived
     * twice.
     */
    possibleDuplicate: unchecked<true>(),
    /**
     * The idempotency key of the entry. After the entry is removed, this key identifies duplicates.
     * The channel and the destination are stored only together with this key.
     */
    idempotencyKey: optional(text),
    channel: optional(text),
    destination: optional(text),
  },

  /** An entry becomes a dead letter: it is tried again only if a person asks for a retry. */
  dead: {
    id: text,
    time: number,
    reason: text,
    /** The status of the response that rejected the entry. */
    status: unchecked<number>(),
    errcode: unchecked<string>(),
    /** Set if the entry was not delivered in time. */
    expired: unchecked<true>(),
  },

  /**
   * A person asks for an immediate attempt and a new time of expiry. A dead letter becomes a
   * waiting entry again.
   */
  retry: { id: text, time: number, expires: number },

  /** An entry is removed. */
  drop: {
    id: text,
    time: number,
    /**
     * Set if matrix-notify removed the entry because it is not needed. Not set if a person removed
     * the entry.
     */
    isUnneeded: unchecked<true>(),
  },

  /**
   * A flush: a person or a program asks to try all entries now. The backoff (the wait after
   * failures) ends.
   */
  flush: {
    time: number,
    /** The kinds of waits that end. @default backoff */
    reach: unchecked<FlushReach>(),
  },

  /**
   * The history of an entry in a compacted journal. This record is written after the `enq` or
   * `batch` record of the entry.
   */
  snap: {
    id: text,
    attempts: number,
    /** The announced attempt whose result is not recorded yet. */
    inFlight: optional(object<Attempt>()),
    inDoubt: optional(object<InDoubt>()),
    wait: optional(object<Wait>()),
    /** Set if the entry is a dead letter. */
    dead: optional(object<DeadLetter>()),
    replaced: optional(object<Replaced>()),
    /**
     * Set if a person retried the entry. Configured delays, such as quiet hours, then do not apply
     * to the entry.
     */
    forced: unchecked<true>(),
    /** Set if the entry was in a rejected batch. The entry is now sent separately. */
    noBatch: unchecked<true>(),
  },

  /** The state of a channel in a compacted journal. */
  chan: { channel: text, failures: number, wait: optional(object<Wait>()) },

  /**
   * The last deliveries of a lane (channel and destination) in a compacted journal: their times,
   * oldest first.
   */
  lane: { ...LANE, delivered: numbers },

  /** An open incident in a compacted journal. */
  incident: {
    ...LANE,
    key: text,
    /** The sender that the key belongs to. @default this user */
    sender: optional(text),
    /** The proof of the first delivery. Later notifications refer to this delivery. */
    receipt: text,
    /** Set if the first delivery was a batch. */
    isShared: unchecked<true>(),
    title: text,
    /**
     * The time when the first notification of the incident was enqueued. A later notification may
     * have replaced the first notification before the delivery.
     */
    since: number,
    /** The time of the last delivery. */
    lastDelivery: number,
    /** The number of delivered notifications. */
    count: number,
  },
};

type FieldTable = typeof FIELDS;
type RecordType = keyof FieldTable;
type OptionalKeys<Fields> = {
  [Key in keyof Fields]: Fields[Key] extends Field<infer _, true> ? Key : never;
}[keyof Fields];
type ValueOf<Value> = Value extends Field<infer Inner, boolean> ? Inner : never;
type FieldValues<Fields> =
  & { readonly [Key in keyof Fields as Key extends OptionalKeys<Fields> ? never : Key]: ValueOf<Fields[Key]> }
  & { readonly [Key in keyof Fields as Key extends OptionalKeys<Fields> ? Key : never]?: ValueOf<Fields[Key]> };

/** A record of one type. */
type RecordOf<Type extends RecordType> = { readonly t: Type } & FieldValues<FieldTable[Type]>;

/** Any record that this version knows. */
export type JournalRecord = { [Type in RecordType]: RecordOf<Type> }[RecordType];

// The record types that other modules use.
export type EnqueueRecord = RecordOf<"enq">;
export type AttemptRecord = RecordOf<"att">;
export type NackRecord = RecordOf<"nack">;
export type AckRecord = RecordOf<"ack">;
export type DeadRecord = RecordOf<"dead">;
export type ChannelRecord = RecordOf<"chan">;
export type LaneRecord = RecordOf<"lane">;
export type IncidentRecord = RecordOf<"incident">;

/** The fields that an entry copies from its `enq` record (the record of a new entry). */
export type EntryFields = Omit<EnqueueRecord, "t" | "replaces" | "spooled">;

/** The history of an entry: the fields of a `snap` record. */
export type EntryHistory = Omit<RecordOf<"snap">, "t" | "id">;

const { replaces: _replaces, spooled: _spooled, ...entryFields } = FIELDS.enq;
const { id: _id, ...entryHistory } = FIELDS.snap;
const ENTRY_FIELDS = Object.keys(entryFields) as (keyof EntryFields)[];
const ENTRY_HISTORY = Object.keys(entryHistory) as (keyof EntryHistory)[];
const OPTIONAL_FIELDS = ENTRY_FIELDS.filter((name) => entryFields[name].isOptional);

/**
 * Copies the fields of an `enq` record. Does not copy `replaces` and `spooled`, because they have
 * an effect only when the entry is added to the queue.
 */
export function copyEntryFields(source: EntryFields): EntryFields {
  return copyFields(source, ENTRY_FIELDS, { skipsMissing: true }) as EntryFields;
}

/** Copies the fields of an `enq` record that most entries do not have. Skips missing fields. */
export function copyOptionalFields<Target extends EntryFields>(source: EntryFields, target: Target): Target {
  return copyFields<EntryFields>(source, OPTIONAL_FIELDS, { skipsMissing: true, target }) as Target;
}

/** Copies the history of an entry. A field without a value is copied too. */
export function copyEntryHistory(source: EntryHistory): EntryHistory {
  return copyFields(source, ENTRY_HISTORY, { skipsMissing: false }) as EntryHistory;
}

function copyFields<Source extends object>(
  source: Source,
  keys: readonly (keyof Source)[],
  { skipsMissing, target = {} }: { readonly skipsMissing: boolean; readonly target?: Partial<Source> },
): Partial<Source> {
  // The loop runs for each new entry of the journal. A loop with an iterator would leave garbage.
  for (let at = 0; at < keys.length; at++) {
    const key = keys[at];
    if (!skipsMissing || source[key] !== undefined) target[key] = source[key];
  }
  return target;
}

/**
 * The content of {@linkcode FIELDS} as lists. Every line of the journal is checked, and a loop over
 * a list is faster than a loop over an object.
 */
const CHECKS: ReadonlyMap<unknown, readonly Readonly<{ name: string } & Field<unknown, boolean>>[]> = new Map(
  Object.entries(FIELDS).map(([type, fields]) => [
    type,
    Object.entries(fields).map(([name, field]) => ({ name, ...field })).filter(({ check }) => check !== isAnything),
  ]),
);

/** Returns true if this version knows the type of a record. */
export function isKnownType(type: unknown): boolean {
  return CHECKS.has(type);
}

/** Returns true if a record of a known type has all required fields with valid values. */
export function hasValidFields(record: Readonly<Record<string, unknown>>): boolean {
  const checks = CHECKS.get(record.t) ?? [];
  for (let at = 0; at < checks.length; at++) {
    const field = checks[at];
    const value = record[field.name];
    if (value === undefined ? !field.isOptional : !field.check(value)) return false;
  }
  return true;
}
