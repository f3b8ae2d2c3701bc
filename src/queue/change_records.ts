/**
 * Creates the records for each change of the queue. `entry_transitions.ts` is the counterpart: it
 * computes the new state from the records. The functions have no side effects; `queue.ts` appends
 * the records.
 *
 * @module
 */

import type { Entry } from "./entry.ts";
import type { AckRecord, EnqueueRecord, FallbackFor, FlushReach, JournalRecord, NackRecord } from "./record.ts";

/** What a new entry or batch needs. */
interface NewEntryOptions {
  /** The current time, in milliseconds since 1970. */
  readonly time: number;
  /** Creates an id. */
  readonly uuid: () => string;
}

/**
 * A request to enqueue an envelope (a notification for one destination). The queue adds an id and a
 * time.
 */
export type EnqueueRequest = Omit<EnqueueRecord, "t" | "id" | "time" | "fallbackFor"> & {
  /**
   * The requests that are tried before this fallback, each with its timeout in milliseconds. The
   * fallback and these requests must be enqueued in one call. Absent if the entry is no fallback.
   */
  readonly primaries?: readonly { readonly request: EnqueueRequest; readonly afterMs: number }[];
  /**
   * The time when the notification was first enqueued, in milliseconds since 1970.
   *
   * @default now
   */
  readonly time?: number;
  /**
   * The ids and deadlines of the entries that are tried before this fallback. Only set if these
   * entries are already in the queue.
   * @default computed from `primaries`
   */
  readonly fallbackFor?: FallbackFor;
  /**
   * True if the entry can use the space that is reserved for critical notifications.
   *
   * @default {false}
   */
  readonly isUrgent?: boolean;
};

/**
 * The result of an attempt. `failed`: the attempt failed, and the entry waits for the next attempt.
 * `dead`: the entry was rejected permanently.
 */
export type AttemptResult =
  | ({ readonly state: "delivered" } & Omit<AckRecord, "t" | "id" | "time">)
  | ({ readonly state: "failed" } & Omit<NackRecord, "t" | "id" | "n" | "time">)
  | { readonly state: "dead"; readonly reason: string; readonly status?: number; readonly errcode?: string };

/** An entry that was not delivered in time. */
export interface ExpiredEntry {
  readonly entry: Entry;
  readonly reason: string;
}

/** A new batch: several entries that are sent in one message. */
export interface BatchRequest {
  /** The entries. All entries must have the same channel and destination. */
  readonly entries: readonly Entry[];
  /**
   * `lines`: the message contains only one line for each entry. @default the message contains the
   * full texts
   */
  readonly style?: "lines";
  /** A stored file with the full texts of the entries. */
  readonly file?: { readonly content: string };
  /** The separate message for the file. Absent if the message of the batch contains the file. */
  readonly message?: { readonly expires: number };
}

/** Creates the record of a new entry. */
export function enqueueRecord(
  { isUrgent: _, primaries: __, ...fields }: EnqueueRequest,
  id: string,
  time: number,
): EnqueueRecord {
  return { t: "enq", id, time, ...fields };
}

/** Creates the records that announce one attempt for each entry. */
export function attemptRecords(entries: readonly Pick<Entry, "id" | "attempts">[], time: number): JournalRecord[] {
  return entries.map(({ id, attempts }) => ({ t: "att", id, n: attempts + 1, time }));
}

/** Creates the records of announced attempts that did not start. */
export function withdrawalRecords(entries: readonly Entry[], time: number): JournalRecord[] {
  const reason = "the attempt for an earlier entry failed";
  return entries.map(({ id, attempts }) => ({
    ...{ t: "nack", id, n: attempts, time, class: "withdrawn", reason, next: time },
  }));
}

/**
 * Creates the records of attempts whose process was killed. The outcome of each attempt is unknown.
 * The entries are not tried again before `next`.
 */
export function killedRecords(entries: readonly Entry[], time: number, next: number): JournalRecord[] {
  const reason = "The process that sent the message was killed; the message may have arrived";
  return entries.map(({ id, attempts }) => ({
    ...{ t: "nack", id, n: attempts, time, class: "in-doubt", reason, next, notBefore: next, killed: true },
  }));
}

/**
 * Creates the records for the result of an attempt.
 *
 * Each member of a batch (several entries in one message) gets a separate `ack` (the record of a
 * delivery). This `ack` stores the idempotency key of the member and informs callers that wait for
 * the member. It does not remove the member from the queue. The `ack` of the batch, which is the
 * last record, removes the batch and all its members. If a power cut removes this record, all
 * members are still in the queue, with their idempotency keys, and the whole batch is tried again.
 */
export function resultRecords(entry: Entry, result: AttemptResult, time: number): JournalRecord[] {
  const common = { id: entry.id, time };
  if (result.state === "delivered") {
    const { state: _, ...ack } = result;
    const { receipt, via } = ack;
    const members = (entry.members ?? []).map((member): JournalRecord => {
      return { t: "ack", id: member.id, time, receipt, via, ...keptIdempotencyKey(member) };
    });
    return [...members, { t: "ack", ...common, ...ack, ...keptIdempotencyKey(entry) }];
  }
  if (result.state === "dead") {
    const { state: _, ...dead } = result;
    return [{ t: "dead", ...common, ...dead }];
  }
  const { state: _, ...nack } = result;
  return [{ t: "nack", n: entry.attempts, ...common, ...nack }];
}

/**
 * Returns the fields that store the idempotency key in the `ack` (the record of a delivery). With
 * these fields, the key is still known after the entry is removed.
 */
function keptIdempotencyKey(
  { idempotencyKey, channel, destination }: Entry,
): Pick<AckRecord, "idempotencyKey" | "channel" | "destination"> {
  return idempotencyKey === undefined ? {} : { idempotencyKey, channel, destination };
}

/** Creates the record of a new batch, and the record of the separate message for its file. */
export function batchRecords(
  { entries, style, file, message }: BatchRequest,
  { time, uuid }: NewEntryOptions,
): JournalRecord[] {
  const [{ channel, destination }] = entries;
  const [id, members] = [uuid(), entries.map(({ id }) => id)];
  const files = file && { files: [file.content] };
  const common = { t: "batch", id, time, channel, destination, members, style } as const;
  if (message === undefined) return [{ ...common, file, ...files }];
  const request = { channel, destination, notification: message, expires: message.expires, attachmentIndex: 1 };
  // The file with the full texts is a separate entry. It gets the time of the newest entry of the
  // batch, so that it is inserted after the batch and before later entries.
  const last = entries.reduce((latest, { time }) => Math.max(latest, time), 0);
  return [common, { ...enqueueRecord({ ...request, ...files }, uuid(), last), ofBatch: id, spooled: true }];
}

/** Creates the records that make entries dead letters, and the records of the notices about them. */
export function expiryRecords(
  expired: readonly ExpiredEntry[],
  notices: readonly EnqueueRequest[],
  { time, uuid }: NewEntryOptions,
): JournalRecord[] {
  return [
    ...expired.map(({ entry: { id }, reason }): JournalRecord => ({ t: "dead", id, time, reason, expired: true })),
    ...notices.map((notice) => enqueueRecord(notice, uuid(), time)),
  ];
}

/** Creates the records that replace a rejected entry with a note at the same position. */
export function replacementRecords(
  rejected: Entry,
  note: EnqueueRequest,
  { time, uuid }: NewEntryOptions,
): JournalRecord[] {
  return [
    ...dropRecords([rejected], time, { isUnneeded: true }),
    { ...enqueueRecord(note, uuid(), rejected.time), spooled: true },
  ];
}

/** Creates the records that remove entries. */
export function dropRecords(
  entries: readonly Entry[],
  time: number,
  reason: { readonly isUnneeded?: true },
): JournalRecord[] {
  return entries.map(({ id }) => ({ t: "drop", id, time, ...reason }));
}

/** Creates the records that make entries due now and give them a new time of expiry. */
export function retryRecords(entries: readonly Entry[], time: number, ttlMs: number): JournalRecord[] {
  const retries = entries.map(({ id }): JournalRecord => ({ t: "retry", id, time, expires: time + ttlMs }));
  return [...retries, flushRecord(time, "backoff")];
}

/** Creates the record that asks for an attempt of all entries. */
export function flushRecord(time: number, reach: FlushReach): JournalRecord {
  return { t: "flush", time, ...(reach === "backoff" ? {} : { reach }) };
}
