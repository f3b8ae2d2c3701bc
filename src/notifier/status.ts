/** The queue in numbers. */

import { type Ages, agesOf } from "./age_histogram.ts";
import { isNotification } from "../notification/notification.ts";
import { type Entry, expandBatches } from "../queue/entry.ts";
import type { Queue } from "../queue/queue.ts";
import type { Reporter } from "./outcomes.ts";

/** The queue in numbers. What waits is what is queued, deferred or held; the dead do not. A digest counts as many as it stands for. */
export interface Status {
  /** Entries that were not tried yet, those in `spool/` included. */
  readonly queued: number;
  /** Entries that were tried, and will be again. */
  readonly deferred: number;
  /** Entries whose account must be mended first. */
  readonly held: number;
  /** Entries that were buried with a reason. */
  readonly dead: number;
  /** Fallbacks that wait whether another channel delivers; they are not among those that are queued. */
  readonly fallbacks: number;
  /** How long those wait that wait. */
  readonly ages: Ages;
  /** Size of the journal. */
  readonly bytes: number;
  /** How large the journal may become by what comes in; for what is critical it is a tenth more. */
  readonly maxBytes: number;
  /** Bytes of the files that entries need, the dead ones' too; at most 64 MiB. */
  readonly fileBytes: number;
  /** Of those that are queued: envelopes that stand beside the journal, in `spool/`, because it could not be had. Whoever delivers next takes them in. */
  readonly spooled: number;
  /** Damaged lines of the journal that were set aside: what was acknowledged may be among them. */
  readonly quarantined: number;
  /** Lines that a writer's death, or a power cut, left unfinished. Nobody was told that they are queued. One may be under way at this moment. */
  readonly torn: number;
  /** Tries that may have made a second copy, ever since there is a queue. */
  readonly possibleDuplicates: number;
  /** When something was last delivered, milliseconds since 1970. */
  readonly lastDelivery?: number;
  /** Age of the oldest entry that waits against its user's will, seconds; 0 when none does. Quiet hours and a pace are wanted. */
  readonly oldestSeconds: number;
  /** What the first entry in line waits for. */
  readonly waitingFor?: string;
  /** When that is tried again, milliseconds since 1970. */
  readonly until?: number;
}

/** A file of several entries counts once. */
function fileBytesOf(entries: readonly Entry[]): number {
  const sizes = new Map<string, number>();
  for (const { files, notification } of entries) {
    if (files === undefined || !isNotification(notification)) continue;
    const { attachments = [], file } = notification;
    for (const { content, size } of file ? [file] : attachments) sizes.set(content, size);
  }
  return sizes.values().reduce((sum, size) => sum + size, 0);
}

/** Counts what is in the queue, as far as it was read. */
export function statusOf(queue: Queue, reporter: Pick<Reporter, "waits">, now: number): Status {
  const { first: { reason, next }, isWanted, isPendingFallback } = reporter.waits();
  const count = { queued: 0, deferred: 0, held: 0, dead: 0 };
  const [fallbacks, entries] = [true, false].map((value) =>
    queue.state.entries().filter((entry) => isPendingFallback(entry) === value)
  );
  for (const entry of entries) count[queue.state.entryState(entry)] += entry.members?.length ?? 1;
  const live = entries.filter(({ dead }) => !dead);
  const { bytes, maxBytes, spooled, spooledTimes, quarantined, torn, possibleDuplicates, lastDelivery } = queue
    .figures();
  const ageOf = (time: number) => Math.max(0, now - time);
  const agesMs = [...expandBatches(live).map(({ time }) => time), ...spooledTimes].map(ageOf);
  const unwanted = live.filter((entry) => !isWanted(entry)).map(({ time }) => time);
  const oldestMs = [...unwanted, ...spooledTimes].map(ageOf).reduce((oldest, age) => Math.max(oldest, age), 0);
  return {
    ...count,
    queued: count.queued + spooled,
    fallbacks: fallbacks.length,
    ages: agesOf(agesMs),
    bytes,
    maxBytes,
    fileBytes: fileBytesOf(queue.state.entries()),
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
