/** The queue in numbers. */

import { type Ages, agesOf } from "./ages.ts";
import type { Courier } from "./delivery/courier.ts";
import { laneOf } from "./queue/entry.ts";
import type { Queue } from "./queue/queue.ts";

/** The queue in numbers. What waits is what is queued, deferred or held; the dead do not. */
export interface Status {
  /** Entries that were not tried yet, those in `intake/` included. */
  readonly queued: number;
  /** Entries that were tried, and will be again. */
  readonly deferred: number;
  /** Entries whose account must be mended first. */
  readonly held: number;
  /** Entries that were buried with a reason. */
  readonly dead: number;
  /** How long those wait that wait. */
  readonly ages: Ages;
  /** Size of the journal. */
  readonly bytes: number;
  /** How large the journal may become by what comes in; for what is critical it is a tenth more. */
  readonly maxBytes: number;
  /** Of those that are queued: envelopes that stand beside the journal, in `intake/`, because it could not be had. Whoever delivers next takes them in. */
  readonly intake: number;
  /** Damaged lines of the journal that were set aside: what was acknowledged may be among them. */
  readonly quarantined: number;
  /** Lines that a writer's death, or a power cut, left unfinished. Nobody was told that they are queued. One may be under way at this moment. */
  readonly torn: number;
  /** Tries that may have made a second copy, ever since there is a queue. */
  readonly possibleDuplicates: number;
  /** When something was last delivered, milliseconds since 1970. */
  readonly lastDelivery?: number;
  /** Age of the oldest entry that waits, seconds; 0 when none does. */
  readonly oldestSeconds: number;
  /** What the first entry in line waits for. */
  readonly waitingFor?: string;
  /** When that is tried again, milliseconds since 1970. */
  readonly until?: number;
}

/** Counts what is in the queue, as far as it was read. */
export function statusOf(queue: Queue, courier: Pick<Courier, "readyTimes">, now: number): Status {
  const count = { queued: 0, deferred: 0, held: 0, dead: 0 };
  for (const entry of queue.entries()) count[queue.stateOf(entry)]++;
  const live = queue.live();
  const { bytes, maxBytes, intake, intakeTimes, quarantined, torn, possibleDuplicates, lastDelivery } = queue.figures();
  const agesMs = [...live.map(({ time }) => time), ...intakeTimes].map((time) => Math.max(0, now - time));
  const first = live.at(0);
  const wait = first && (first.wait ?? queue.channel(first.channel).wait);
  const ready = first && courier.readyTimes().get(laneOf(first));
  return {
    ...count,
    queued: count.queued + intake,
    ages: agesOf(agesMs),
    bytes,
    maxBytes,
    intake,
    quarantined,
    torn,
    possibleDuplicates,
    lastDelivery,
    oldestSeconds: Math.round(agesMs.reduce((oldest, age) => Math.max(oldest, age), 0) / 1000),
    waitingFor: wait?.reason,
    until: ready || wait?.next || undefined,
  };
}
