/** What single records make of an entry. Pure. */

import { type Entry, type InDoubt, isAttachmentOf, type Replaced, type Wait } from "./entry.ts";
import type { AttemptRecord, EnqueueRecord, NackRecord } from "./record.ts";

/** An entry that nothing happened to yet. */
export function newEntry(record: EnqueueRecord): Entry {
  const { id, time, channel, destination, notification, expires, key, title, resolves, idempotencyKey } = record;
  const { fallbackFor, files, attachmentIndex } = record;
  const said = { id, time, channel, destination, notification, expires, key, title, resolves, idempotencyKey };
  return { ...said, fallbackFor, files, attachmentIndex, bytes: 0, attempts: 0 };
}

/** Of those of a lane with the same key: what waits, and cannot have arrived, is overtaken by the news. */
export function supersededBy(record: EnqueueRecord, earlier: readonly Entry[]): Entry[] {
  const waiting = earlier.filter(({ id, dead, inFlight, inDoubt, time }) =>
    id !== record.id && !dead && !inFlight && !inDoubt && !(record.spooled && time > record.time)
  );
  // A file goes with its text, and stays where that is on its way or there already.
  const hasText = isAttachmentOf(waiting);
  return waiting.filter((entry) => entry.attachmentIndex === undefined || hasText(entry));
}

/** What an entry took the place of; a file goes with its text, and does not count. */
export function replacedBy({ time }: EnqueueRecord, gone: readonly Entry[]): Replaced | undefined {
  let count = 0, since = time, fired = Infinity;
  for (const entry of gone.filter(({ attachmentIndex }) => attachmentIndex === undefined)) {
    count += 1 + (entry.replaced?.count ?? 0);
    since = Math.min(since, entry.replaced?.since ?? entry.time);
    fired = Math.min(fired, entry.replaced?.fired ?? (entry.resolves ? Infinity : entry.time));
  }
  return count > 0 ? { count, since, ...(fired < Infinity ? { fired } : {}) } : undefined;
}

/** An attempt over an open one means that the open one was killed in flight. */
export function onAttempt(entry: Entry, { n, time }: AttemptRecord): Entry {
  const inDoubt = entry.inFlight ? withDoubt(entry, entry.inFlight.time, time) : entry.inDoubt;
  return { ...entry, attempts: n, inFlight: { n, time }, inDoubt };
}

/** An attempt that was announced and never left is none. */
export function onWithdrawal(entry: Entry, { n }: NackRecord): Entry {
  return { ...entry, attempts: Math.max(0, n - 1), inFlight: undefined };
}

/** An attempt that did not deliver leaves a wait, and a doubt where nobody knows. */
export function onFailure(entry: Entry, record: NackRecord, wait: Wait): Entry {
  const { time } = record;
  const isUnsure = record.class === "in-doubt" || record.class === "killed";
  const inDoubt = isUnsure ? withDoubt(entry, entry.inFlight?.time ?? time, time) : entry.inDoubt;
  return { ...entry, inFlight: undefined, inDoubt, wait };
}

function withDoubt({ inDoubt }: Entry, since: number, until: number): InDoubt {
  return { since: inDoubt?.since ?? since, until };
}
