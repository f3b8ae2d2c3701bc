/** Computes the status of the queue, such as the number of entries. */

import { isNotification } from "../notification/notification.ts";
import { type Entry, notificationOf } from "../queue/entry.ts";
import type { Queue } from "../queue/queue.ts";
import type { Reporter } from "./outcomes.ts";

/**
 * The status of the queue. An entry is live if it is queued, deferred or held. A dead letter is not
 * live. A batch (several entries in one message) counts as several entries.
 */
export interface Status {
  /** The number of entries without an attempt, including the entries in `spool/`. */
  readonly queued: number;
  /** The number of entries that were tried and will be tried again. */
  readonly deferred: number;
  /**
   * The number of entries that wait until a person fixes the account or the settings of their
   * channel.
   */
  readonly held: number;
  /** The number of dead letters. */
  readonly dead: number;
  /**
   * The number of pending fallbacks. A fallback is sent only if another channel does not deliver in
   * time. Pending fallbacks do not count as queued.
   */
  readonly fallbacks: number;
  /** The numbers of live entries by their waiting time. */
  readonly ages: Ages;
  /** The size of the journal (the queue file), in bytes. */
  readonly bytes: number;
  /**
   * The maximum size of the journal, in bytes. Critical notifications may exceed this size by 10 %.
   */
  readonly maxBytes: number;
  /**
   * The total size of the attachments in the queue, in bytes. The attachments of dead letters are
   * included. The maximum is 64 MiB.
   */
  readonly fileBytes: number;
  /**
   * The number of envelopes (one notification for one destination each) in `spool/`. Envelopes are
   * stored there while the journal is locked, and count as queued. The next deliverer imports them
   * into the journal.
   */
  readonly spooled: number;
  /**
   * The number of damaged journal lines in `quarantine/`. Each line may have been a notification.
   */
  readonly quarantined: number;
  /**
   * The number of half-written journal lines, caused by killed processes or power cuts. The senders
   * of these lines did not get a confirmation. Another process may still be writing one of these
   * lines.
   */
  readonly torn: number;
  /**
   * The number of messages that may have been delivered twice, since the queue was created.
   */
  readonly possibleDuplicates: number;
  /**
   * The time of the last delivery, in milliseconds since 1970. Absent before the first delivery.
   */
  readonly lastDelivery?: number;
  /**
   * The age of the oldest live entry, in seconds; 0 if there is no live entry. Entries are ignored
   * while a setting of the user, such as quiet hours, delays them.
   */
  readonly oldestSeconds: number;
  /** The reason why the first live entry (not a dead letter) waits. */
  readonly waitingFor?: string;
  /** The time of the next attempt to deliver the first live entry, in milliseconds since 1970. */
  readonly until?: number;
}

/** The numbers of live entries by age. Each entry is counted once, in the first range that fits. */
export interface Ages {
  /** The number of entries younger than a minute: just queued. */
  readonly under1m: number;
  /**
   * The number of entries younger than 15 minutes. Such entries are normal after a restart or a
   * short outage.
   */
  readonly under15m: number;
  /** The number of entries younger than an hour. */
  readonly under1h: number;
  /** The number of entries younger than 6 hours. */
  readonly under6h: number;
  /** The number of entries younger than a day. */
  readonly under1d: number;
  /** The number of entries younger than 7 days. */
  readonly under7d: number;
  /**
   * The number of entries that are 7 days old or older. By default, an entry becomes a dead letter
   * after 14 days.
   */
  readonly older: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const AGES: readonly { readonly name: keyof Ages; readonly limitMs: number }[] = [
  { name: "under1m", limitMs: MINUTE_MS },
  { name: "under15m", limitMs: 15 * MINUTE_MS },
  { name: "under1h", limitMs: HOUR_MS },
  { name: "under6h", limitMs: 6 * HOUR_MS },
  { name: "under1d", limitMs: DAY_MS },
  { name: "under7d", limitMs: 7 * DAY_MS },
];

/** Counts times by their age. A time in the future (after a clock change) counts as now. */
export function countAges(times: Iterable<number>, now: number): Ages {
  const counts = { under1m: 0, under15m: 0, under1h: 0, under6h: 0, under1d: 0, under7d: 0, older: 0 };
  for (const time of times) counts[findAge(now - time)]++;
  return counts;
}

/** Creates no objects, because it is called for each entry of a queue that may be long. */
function findAge(ageMs: number): keyof Ages {
  for (let at = 0; at < AGES.length; at++) if (ageMs < AGES[at].limitMs) return AGES[at].name;
  return "older";
}

/** Computes the status from the journal records that were already read. */
export function computeStatus(queue: Queue, reporter: Pick<Reporter, "waits">, now: number): Status {
  const { first: { reason, next }, isDelayed, isPendingFallback, stateOf } = reporter.waits();
  const { bytes, maxBytes, spooled, spooledTimes, quarantined, torn, possibleDuplicates, lastDelivery } = queue
    .figures();
  const count = { queued: 0, deferred: 0, held: 0, dead: 0 };
  let fallbacks = 0, oldest = spooledTimes.reduce((oldest, time) => Math.min(oldest, time), now);
  const times = [...spooledTimes];
  // The queue may be long. One loop over the entries needs less memory than several lists of them.
  for (const entry of queue.state.each()) {
    if (isPendingFallback(entry)) {
      fallbacks++;
      continue;
    }
    count[stateOf(entry)] += entry.members?.length ?? 1;
    if (entry.dead) continue;
    if (entry.members === undefined) times.push(entry.time);
    else for (const { time } of entry.members) times.push(time);
    if (!isDelayed(entry)) oldest = Math.min(oldest, entry.time);
  }
  return {
    ...count,
    queued: count.queued + spooled,
    fallbacks,
    ages: countAges(times, now),
    bytes,
    maxBytes,
    fileBytes: sumFileBytes(queue.state.each()),
    spooled,
    quarantined,
    torn,
    possibleDuplicates,
    lastDelivery,
    oldestSeconds: Math.round((now - oldest) / 1000),
    waitingFor: reason,
    until: next,
  };
}

/** Returns the total size of all attachments. A file that several entries use is counted once. */
function sumFileBytes(entries: Iterable<Entry>): number {
  const sizes = new Map<string, number>();
  for (const entry of entries) {
    if (entry.files === undefined) continue;
    const notification = notificationOf(entry);
    if (!isNotification(notification)) continue;
    const { attachments = [], file, fullText } = notification;
    for (const one of [...attachments, file, fullText]) if (one) sizes.set(one.content, one.size);
  }
  return sizes.values().reduce((sum, size) => sum + size, 0);
}
