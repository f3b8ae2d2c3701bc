/** The queue in numbers. */

import { isNotification } from "../notification/notification.ts";
import { type Entry, expandBatches } from "../queue/entry.ts";
import type { Queue } from "../queue/queue.ts";
import type { Reporter } from "./outcomes.ts";

/**
 * The queue in numbers. Live entries are queued, deferred or held; dead letters are not live. A
 * batch counts as many times as it has members.
 */
export interface Status {
  /** Entries that were not tried yet, those in `spool/` included. */
  readonly queued: number;
  /** Entries that were tried and will be tried again. */
  readonly deferred: number;
  /** Entries that wait until their channel's account or settings are fixed. */
  readonly held: number;
  /** Dead letters. */
  readonly dead: number;
  /** Pending fallbacks: they wait for another channel to deliver. They do not count as queued. */
  readonly fallbacks: number;
  /** How long the live entries have waited. */
  readonly ages: Ages;
  /** Size of the journal, bytes. */
  readonly bytes: number;
  /** Limit for the journal, bytes. Critical notifications may exceed it by a tenth. */
  readonly maxBytes: number;
  /** Size of the attachments that entries need, bytes. Dead letters keep theirs. At most 64 MiB. */
  readonly fileBytes: number;
  /**
   * Envelopes in `spool/`, because the journal was locked. They count as queued. The next deliverer
   * imports them.
   */
  readonly spooled: number;
  /** Damaged journal lines in `quarantine/`. Each may have been a notification. */
  readonly quarantined: number;
  /**
   * Lines that a killed writer or a power cut left unfinished. Their senders got no success. One
   * may be a write that is still under way.
   */
  readonly torn: number;
  /** Attempts that may have delivered a second copy, since the queue was created. */
  readonly possibleDuplicates: number;
  /**
   * When an entry was last delivered, milliseconds since 1970; absent before the first delivery.
   */
  readonly lastDelivery?: number;
  /**
   * Age of the oldest live entry, seconds; 0 if there is none. Entries in a delay that the user
   * configured do not count.
   */
  readonly oldestSeconds: number;
  /** Why the first live entry waits. */
  readonly waitingFor?: string;
  /** When it is tried again, milliseconds since 1970. */
  readonly until?: number;
}

/** How many live entries there are of each age. Each class excludes the ones before it. */
export interface Ages {
  /** Under a minute: just queued. */
  readonly under1m: number;
  /** Under 15 minutes: a restart, a short outage. */
  readonly under15m: number;
  /** Under an hour. */
  readonly under1h: number;
  /** Under 6 hours. */
  readonly under6h: number;
  /** Under a day. */
  readonly under1d: number;
  /** Under 7 days. */
  readonly under7d: number;
  /** 7 days or more. By default an entry becomes a dead letter after 14 days. */
  readonly older: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const AGE_LIMITS_MS: readonly (readonly [keyof Ages, number])[] = [
  ["under1m", MINUTE_MS],
  ["under15m", 15 * MINUTE_MS],
  ["under1h", HOUR_MS],
  ["under6h", 6 * HOUR_MS],
  ["under1d", DAY_MS],
  ["under7d", 7 * DAY_MS],
];

/**
 * Counts ages, in milliseconds, by class. A negative age, from a clock that was set back, counts as
 * 0.
 */
export function countAges(agesMs: readonly number[]): Ages {
  const counts = { under1m: 0, under15m: 0, under1h: 0, under6h: 0, under1d: 0, under7d: 0, older: 0 };
  for (const age of agesMs) counts[AGE_LIMITS_MS.find(([, limitMs]) => age < limitMs)?.[0] ?? "older"]++;
  return counts;
}

/** Counts the entries that were read so far. */
export function computeStatus(queue: Queue, reporter: Pick<Reporter, "waits">, now: number): Status {
  const { first: { reason, next }, isDelayed, isPendingFallback } = reporter.waits();
  const count = { queued: 0, deferred: 0, held: 0, dead: 0 };
  const [fallbacks, entries] = [true, false].map((value) =>
    queue.state.entries().filter((entry) => isPendingFallback(entry) === value)
  );
  for (const entry of entries) count[queue.state.entryState(entry)] += entry.members?.length ?? 1;
  const live = entries.filter(({ dead }) => !dead);
  const { bytes, maxBytes, spooled, spooledTimes, quarantined, torn, possibleDuplicates, lastDelivery } = queue
    .figures();
  const toAge = (time: number) => Math.max(0, now - time);
  const agesMs = [...expandBatches(live).map(({ time }) => time), ...spooledTimes].map(toAge);
  const undelayed = live.filter((entry) => !isDelayed(entry)).map(({ time }) => time);
  const oldestMs = [...undelayed, ...spooledTimes].map(toAge).reduce((oldest, age) => Math.max(oldest, age), 0);
  return {
    ...count,
    queued: count.queued + spooled,
    fallbacks: fallbacks.length,
    ages: countAges(agesMs),
    bytes,
    maxBytes,
    fileBytes: sumFileBytes(queue.state.entries()),
    spooled,
    quarantined,
    torn,
    possibleDuplicates,
    lastDelivery,
    oldestSeconds: Math.round(oldestMs / 1000),
    waitingFor: reason,
    until: next,
  };
}

/** Adds up attachment sizes. A file that several entries share counts once. */
function sumFileBytes(entries: readonly Entry[]): number {
  const sizes = new Map<string, number>();
  for (const { files, notification } of entries) {
    if (files === undefined || !isNotification(notification)) continue;
    const { attachments = [], file } = notification;
    for (const { content, size } of file ? [file] : attachments) sizes.set(content, size);
  }
  return sizes.values().reduce((sum, size) => sum + size, 0);
}
