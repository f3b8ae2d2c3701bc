/**
 * Computes the new state of an entry from a record of the journal, and the records that restore an
 * entry. The functions have no side effects. In this diagram, the labels of the arrows are record
 * types:
 *
 * ```text
 *          enq                att                  nack
 * (none) ------> queued ------------> in flight ----------> deferred ---> att …
 *                                     in flight --ack-----> delivered: removed from the queue
 *                                     in flight --dead----> dead letter --retry--> deferred
 * ```
 *
 * @module
 */

import { type Entry, isAttachmentOf } from "./entry.ts";
import {
  type AttemptRecord,
  copyEntryFields,
  copyEntryHistory,
  copyOptionalFields,
  type EnqueueRecord,
  type InDoubt,
  type JournalRecord,
  type NackRecord,
  type Replaced,
  type Wait,
} from "./record.ts";

/** Creates an entry from its `enq` record (the record of a new entry). */
export function createEntry(record: EnqueueRecord, bytes = 0): Entry {
  const { id, time, channel, destination, notification, expires } = record;
  // A queue can have thousands of entries. V8 needs less memory for an object that is created with
  // its fields than for an object whose fields are added later.
  const entry = { id, time, channel, destination, notification, expires, bytes, attempts: 0 };
  return copyOptionalFields(record, entry);
}

/**
 * Finds the waiting entries that a new entry replaces. Skips an entry if its message may already
 * have arrived.
 *
 * @param earlier the entries with the same key, channel and destination as the new entry
 */
export function findReplaced(record: EnqueueRecord, earlier: readonly Entry[]): Entry[] {
  const waiting = earlier.filter(({ id, dead, inFlight, inDoubt, time }) =>
    id !== record.id && !dead && !inFlight && !inDoubt && !(record.spooled && time > record.time)
  );
  // An attachment is replaced only if the entry with its text is also replaced. If the text is
  // being sent or was delivered, the attachment is still sent.
  const hasText = isAttachmentOf(waiting);
  return waiting.filter((entry) => entry.attachmentIndex === undefined || hasText(entry));
}

/** Counts the notifications that a new entry replaces. Attachments are not counted. */
export function countReplaced({ time }: EnqueueRecord, replaced: readonly Entry[]): Replaced | undefined {
  let count = 0, since = time, fired = Infinity;
  for (const entry of replaced.filter(({ attachmentIndex }) => attachmentIndex === undefined)) {
    count += 1 + (entry.replaced?.count ?? 0);
    since = Math.min(since, entry.replaced?.since ?? entry.time);
    fired = Math.min(fired, entry.replaced?.fired ?? (entry.resolves ? Infinity : entry.time));
  }
  return count > 0 ? { count, since, ...(fired < Infinity ? { fired } : {}) } : undefined;
}

/**
 * Applies an `att` record (the announcement of an attempt). If the previous attempt has no recorded
 * result, the process that made this attempt was killed. The outcome of the previous attempt is
 * then unknown.
 */
export function onAttempt(entry: Entry, { n, time }: AttemptRecord): Entry {
  const inDoubt = entry.inFlight ? extendDoubt(entry, entry.inFlight.time, time) : entry.inDoubt;
  return { ...entry, attempts: n, inFlight: { n, time }, inDoubt };
}

/**
 * Applies a `nack` record that withdraws an announced attempt. The attempt did not start, and is
 * not counted.
 */
export function onWithdrawal(entry: Entry, { n }: NackRecord): Entry {
  return { ...entry, attempts: Math.max(0, n - 1), inFlight: undefined };
}

/** Applies a `nack` record of a failed attempt. */
export function onFailure(entry: Entry, record: NackRecord, wait: Wait): Entry {
  const { time } = record;
  const inDoubt = record.class === "in-doubt" ? extendDoubt(entry, entry.inFlight?.time ?? time, time) : entry.inDoubt;
  return { ...entry, inFlight: undefined, inDoubt, wait };
}

function extendDoubt({ inDoubt }: Entry, since: number, until: number): InDoubt {
  return { since: inDoubt?.since ?? since, until };
}

/**
 * Creates the shortest list of records that restores an entry. For a batch (several entries in one
 * message), the list starts with the records of its members.
 */
export function* snapshotRecords(entry: Entry): Generator<JournalRecord> {
  const { id, time, channel, destination, members, style, file, files } = entry;
  if (members) {
    for (const member of members) yield* snapshotRecords(member);
    const ids = members.map((member) => member.id);
    yield { t: "batch", id, time, channel, destination, members: ids, style, file, files };
  } else {
    // This record does not contain `replaces`, because the entry has already replaced other entries
    // and must not replace more.
    yield { t: "enq", ...copyEntryFields(entry) };
  }
  const history = copyEntryHistory(entry);
  if (members || Object.values(history).some(Boolean)) yield { t: "snap", id, ...history };
}
