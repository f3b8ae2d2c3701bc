/** What single records make of an entry. Pure. */

import { type Doubt, type Entry, filesOfTexts, type Replaced, type Wait } from "./entry.ts";
import type { AttemptRecord, EnqueueRecord, NackRecord } from "./record.ts";

/** An entry that nothing happened to yet. */
export function newEntry(record: EnqueueRecord): Entry {
  const { id, time, channel, destination, notification, expires, key, title, resolves, once } = record;
  const { unless, files, part } = record;
  const said = { id, time, channel, destination, notification, expires, key, title, resolves, once };
  return { ...said, unless, files, part, bytes: 0, attempts: 0 };
}

/** Of those of a lane with the same key: what waits, and cannot have arrived, is overtaken by the news. */
export function overtakenBy(record: EnqueueRecord, earlier: readonly Entry[]): Entry[] {
  const waiting = earlier.filter(({ id, dead, open, doubt, time }) =>
    id !== record.id && !dead && !open && !doubt && !(record.aside && time > record.time)
  );
  // A file goes with its text, and stays where that is on its way or there already.
  const hasText = filesOfTexts(waiting);
  return waiting.filter((entry) => entry.part === undefined || hasText(entry));
}

/** What an entry took the place of; a file goes with its text, and does not count. */
export function replacedBy({ time }: EnqueueRecord, gone: readonly Entry[]): Replaced | undefined {
  let count = 0, since = time, fired = Infinity;
  for (const entry of gone.filter(({ part }) => part === undefined)) {
    count += 1 + (entry.replaced?.count ?? 0);
    since = Math.min(since, entry.replaced?.since ?? entry.time);
    fired = Math.min(fired, entry.replaced?.fired ?? (entry.resolves ? Infinity : entry.time));
  }
  return count > 0 ? { count, since, ...(fired < Infinity ? { fired } : {}) } : undefined;
}

/** An attempt over an open one means that the open one was killed in flight. */
export function attempted(entry: Entry, { n, time }: AttemptRecord): Entry {
  const doubt = entry.open ? doubted(entry, entry.open.time, time) : entry.doubt;
  return { ...entry, attempts: n, open: { n, time }, doubt };
}

/** An attempt that was announced and never left is none. */
export function withdrawn(entry: Entry, { n }: NackRecord): Entry {
  return { ...entry, attempts: Math.max(0, n - 1), open: undefined };
}

/** An attempt that did not deliver leaves a wait, and a doubt where nobody knows. */
export function failed(entry: Entry, record: NackRecord, wait: Wait): Entry {
  const { time } = record;
  const isUnsure = record.class === "ambiguous" || record.class === "killed";
  const doubt = isUnsure ? doubted(entry, entry.open?.time ?? time, time) : entry.doubt;
  return { ...entry, open: undefined, doubt, wait };
}

function doubted({ doubt }: Entry, since: number, until: number): Doubt {
  return { since: doubt?.since ?? since, until };
}
