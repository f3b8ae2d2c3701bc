/**
 * The records of the journal. {@linkcode FIELDS} is the only description of a record: the types of
 * records and entries, the check of a line and the copies that a compaction makes follow from it.
 * To add a field, add a line there.
 *
 * A checksum proves that a line is what matrix-notify wrote, not that another version means the
 * same by it. So the fields that the state depends on are checked. Flags and details are not: a
 * surprising value in one of them must not cost an entry.
 *
 * @module
 */

/** A field of a record. `value` is never set: it carries the type. */
interface Field<Value, Missing extends boolean = false> {
  readonly check: (value: unknown) => boolean;
  readonly isOptional: Missing;
  readonly value?: Value;
}

const isNumber = (value: unknown) => typeof value === "number";
const isString = (value: unknown) => typeof value === "string";
const isObject = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);

const text = required<string>(isString);
const number = required<number>(isNumber);
const texts = required<readonly string[]>((value) => Array.isArray(value) && value.every(isString));
const numbers = required<readonly number[]>((value) => Array.isArray(value) && value.every(isNumber));
const times = required<Readonly<Record<string, number>>>((value) =>
  isObject(value) && Object.values(value as object).every(isNumber)
);

function required<Value>(check: Field<Value>["check"]): Field<Value> {
  return { check, isOptional: false };
}

function optional<Value>({ check }: Field<Value>): Field<Value, true> {
  return { check, isOptional: true };
}

/** An object whose own fields are not checked. */
function object<Value>(): Field<Value> {
  return required(isObject);
}

/** A text of which this version knows some values. */
function word<Value extends string>(): Field<Value> {
  return required(isString);
}

/** Missing, or any value. */
function unchecked<Value>(): Field<Value, true> {
  return { check: () => true, isOptional: true };
}

/** Why an attempt did not deliver: the failure classes that leave an entry in the queue. */
export type WaitClass =
  | "not-sent"
  | "in-doubt"
  | "rate-limited"
  | "credentials"
  | "destination"
  | "destination-busy"
  | "not-the-service"
  | "unverified";

/** The failure class of an attempt. `withdrawn`: it was announced and never left. */
export type NackClass = WaitClass | "withdrawn";

/**
 * The ids of the entries that a fallback takes over from. Each has a deadline, in milliseconds
 * since 1970.
 */
export type FallbackFor = Readonly<Record<string, number>>;

/** An attempt that has left. */
export interface Attempt {
  readonly n: number;
  /** Milliseconds since 1970. */
  readonly time: number;
}

/** Attempts whose outcome is unknown. A later refusal does not clear them. */
export interface InDoubt {
  /** When the first of them left, in milliseconds since 1970. */
  readonly since: number;
  /** When the last of them ended, as far as is known. */
  readonly until: number;
}

/** Why an entry is a dead letter. */
export interface DeadLetter {
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Set if it expired. */
  readonly expired?: true;
}

/** Waiting entries with the same key that a newer entry replaced. */
export interface Replaced {
  readonly count: number;
  /** When the first of them was enqueued, in milliseconds since 1970. */
  readonly since: number;
  /** When the first of them that does not resolve the incident was enqueued. */
  readonly fired?: number;
}

/** What an entry, or a whole channel, waits for after a failure. */
export interface Wait {
  readonly class: WaitClass;
  readonly reason: string;
  /** When the attempt failed, in milliseconds since 1970. */
  readonly since: number;
  /** When to try again. A flush moves it to `notBefore`. */
  readonly next: number;
  /** No attempt is made before this time, not even after a flush. */
  readonly notBefore: number;
}

const ID = { id: text, time: number };
const LANE = { channel: text, destination: text };

/**
 * The fields of each record type, in the order in which compaction writes them. Times are in
 * milliseconds since 1970.
 */
const FIELDS = {
  /** The first line of a journal: who created it, and the counts that compaction carries over. */
  hdr: { time: number, host: text, possibleDuplicates: optional(number), lastDelivery: optional(number) },

  /** A new entry. Its id is also its txnId. */
  enq: {
    ...ID,
    ...LANE,
    /** Opaque to the queue. */
    notification: object<unknown>(),
    expires: number,
    key: optional(text),
    /**
     * The name of its incident: later notifications with the same key refer to it. Without one,
     * none does.
     */
    title: optional(text),
    /** It resolves the incident of its key. */
    resolves: unchecked<true>(),
    /** It replaces what waits in its lane with the same key. */
    replaces: unchecked<true>(),
    /** The caller's id: a second entry with the same one in the same lane is a duplicate. */
    idempotencyKey: optional(text),
    /** It is a fallback for these entries. */
    fallbackFor: optional(times),
    /**
     * It was spooled: its position follows from its time. Entries that were written to the journal
     * meanwhile come later.
     */
    spooled: unchecked<true>(),
    /**
     * The names of the files in `attachments/` that it needs. They stay there while the entry is in
     * the queue.
     */
    files: optional(texts),
    /**
     * It is an attachment of the entry before it in its lane: its number among the attachments,
     * from 1.
     */
    attachmentIndex: optional(number),
  },

  /**
   * Entries of one lane that will be delivered in one message. A version that does not know batches
   * delivers each entry alone.
   */
  batch: {
    /** Also the txnId of the message. */
    ...ID,
    ...LANE,
    /** The ids of the entries, in the order of arrival. */
    members: texts,
  },

  /** Attempt `n` is about to leave. Its outcome is unknown until the next record of the entry. */
  att: { id: text, n: number, time: number },

  /** Attempt `n` did not deliver, as far as is known. */
  nack: {
    id: text,
    n: number,
    time: number,
    class: word<NackClass>(),
    reason: text,
    status: unchecked<number>(),
    errcode: unchecked<string>(),
    /** When to try again. */
    next: number,
    /**
     * The earliest time that a flush can move `next` to: the server's Retry-After, or the gap after
     * an attempt in doubt.
     */
    notBefore: optional(number),
    /** The deliverer was killed before the answer came. That says nothing about the channel. */
    killed: unchecked<true>(),
  },

  /** Delivered: the entry leaves the queue. */
  ack: {
    id: text,
    time: number,
    /** The service's proof of delivery: the `event_id` for Matrix. */
    receipt: text,
    via: word<"put" | "read-back">(),
    /** An earlier attempt may have delivered another copy. */
    possibleDuplicate: unchecked<true>(),
    /** With its lane: the idempotency key, which stays known after the entry is gone. */
    idempotencyKey: optional(text),
    channel: optional(text),
    destination: optional(text),
  },

  /** A dead letter: it is not tried again unless a person asks for it. */
  dead: {
    id: text,
    time: number,
    reason: text,
    /** The status of the response that rejected it. */
    status: unchecked<number>(),
    errcode: unchecked<string>(),
    /** It was not delivered in time. */
    expired: unchecked<true>(),
  },

  /** A person asks for an immediate attempt and a new expiry. Dead letters become live again. */
  retry: { id: text, time: number, expires: number },

  /** A person removes an entry. */
  drop: { id: text, time: number },

  /** All entries are to be tried now. Backoff that started before is over. */
  flush: { time: number },

  /** What compaction keeps of the history of an entry. It follows the entry's `enq` or `batch`. */
  snap: {
    id: text,
    /** How many attempts have left. */
    attempts: number,
    /** The attempt that has no outcome yet. */
    inFlight: optional(object<Attempt>()),
    inDoubt: optional(object<InDoubt>()),
    wait: optional(object<Wait>()),
    /** Undefined while the entry is live. */
    dead: optional(object<DeadLetter>()),
    replaced: optional(object<Replaced>()),
    /** A person retried it by hand: delays that the user configured do not apply. */
    forced: unchecked<true>(),
    /** It was in a batch that was rejected: it is delivered alone from now on. */
    noBatch: unchecked<true>(),
  },

  /** What compaction keeps of a channel's history. */
  chan: { channel: text, failures: number, wait: optional(object<Wait>()) },

  /**
   * What compaction keeps of a lane's deliveries: the times of the last ones, the newest at the
   * end.
   */
  lane: { ...LANE, delivered: numbers },

  /** What compaction keeps of an open incident. */
  incident: {
    ...LANE,
    key: text,
    /** The proof of the first delivery. Later ones refer to it. */
    receipt: text,
    /** The first delivery was a batch. */
    isShared: unchecked<true>(),
    title: text,
    /** When the first notification was enqueued, or the first one that it replaced. */
    since: number,
    /** When the last notification was delivered. */
    lastDelivery: number,
    /** How many notifications were delivered. */
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

// The record types that other modules name.
export type EnqueueRecord = RecordOf<"enq">;
export type AttemptRecord = RecordOf<"att">;
export type NackRecord = RecordOf<"nack">;
export type AckRecord = RecordOf<"ack">;
export type DeadRecord = RecordOf<"dead">;
export type ChannelRecord = RecordOf<"chan">;
export type LaneRecord = RecordOf<"lane">;
export type IncidentRecord = RecordOf<"incident">;

/** What an `enq` record says of an entry for good. */
export type EntryFields = Omit<EnqueueRecord, "t" | "replaces" | "spooled">;

/** The history of an entry, as a `snap` record keeps it. */
export type EntryHistory = Omit<RecordOf<"snap">, "t" | "id">;

const { replaces: _replaces, spooled: _spooled, ...entryFields } = FIELDS.enq;
const { id: _id, ...entryHistory } = FIELDS.snap;
const ENTRY_FIELDS = Object.keys(entryFields) as (keyof EntryFields)[];
const ENTRY_HISTORY = Object.keys(entryHistory) as (keyof EntryHistory)[];

/**
 * Copies what an `enq` record says of an entry. `replaces` and `spooled` only matter when the
 * record is applied.
 */
export function copyEntryFields(source: EntryFields): EntryFields {
  return copyFields(source, ENTRY_FIELDS) as EntryFields;
}

/** Copies the history of an entry. */
export function copyEntryHistory(source: EntryHistory): EntryHistory {
  return copyFields(source, ENTRY_HISTORY) as EntryHistory;
}

function copyFields<Source extends object>(source: Source, keys: readonly (keyof Source)[]): Partial<Source> {
  const copy: Partial<Source> = {};
  for (const key of keys) copy[key] = source[key];
  return copy;
}

/** The same table as lists, for quick checks: every line of the journal is checked. */
const CHECKS: ReadonlyMap<unknown, readonly [name: string, field: Field<unknown, boolean>][]> = new Map(
  Object.entries(FIELDS).map(([type, fields]) => [type, Object.entries(fields)]),
);

/** Whether this version knows the type of a record. */
export function isKnownType(type: unknown): boolean {
  return CHECKS.has(type);
}

/** Whether a record of a known type has the fields that its type needs. */
export function hasValidFields(record: Readonly<Record<string, unknown>>): boolean {
  for (const [name, { check, isOptional }] of CHECKS.get(record.t) ?? []) {
    const value = record[name];
    if (value === undefined ? !isOptional : !check(value)) return false;
  }
  return true;
}
