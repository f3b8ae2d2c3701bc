/** What callers are told: an outcome for each envelope, and the queue in numbers. */

import type { Entry } from "./queue/entry.ts";
import type { Queue } from "./queue/queue.ts";

/** What became of an envelope so far. Everything but `dead` is delivered, or will be. */
export interface Outcome {
  /** The entry's id; also its txnId. */
  readonly id: string;
  readonly channel: string;
  readonly destination: string;
  readonly state: "delivered" | "queued" | "held" | "dead";
  /** The proof of delivery: `event_id` for Matrix. */
  readonly receipt?: string;
  /** Why it was not delivered yet, or never will be. */
  readonly reason?: string;
  /** When it is tried next, milliseconds since 1970. */
  readonly next?: number;
}

/** The queue in numbers. */
export interface Status {
  /** Entries that were not tried yet. */
  readonly queued: number;
  /** Entries that were tried, and will be again. */
  readonly deferred: number;
  /** Entries whose account must be mended first. */
  readonly held: number;
  /** Entries that were buried with a reason. */
  readonly dead: number;
  /** Damaged lines of the journal that were set aside. */
  readonly quarantined: number;
  /** Tries that may have made a second copy. */
  readonly possibleDuplicates: number;
  /** Size of the journal. */
  readonly bytes: number;
  /** Age of the oldest entry that waits, seconds; 0 when none does. */
  readonly oldestSeconds: number;
  /** When something was last delivered, milliseconds since 1970. */
  readonly lastDelivery?: number;
  /** What the oldest entry waits for. */
  readonly waitingFor?: string;
  /** When that is tried again, milliseconds since 1970. */
  readonly until?: number;
}

/** Reads what became of an entry out of the queue. */
export function outcomeOf(queue: Queue, entry: Entry, next: number | undefined): Outcome {
  const { id, channel, destination } = entry;
  const settlement = queue.settlement(id);
  if (settlement?.state === "delivered") {
    return { id, channel, destination, state: "delivered", receipt: settlement.receipt };
  }
  if (settlement !== undefined) {
    const reason = settlement.state === "dead" ? settlement.reason : "It was dropped from the queue";
    return { id, channel, destination, state: "dead", reason };
  }
  const state = queue.stateOf(queue.entry(id) ?? entry) === "held" ? "held" : "queued";
  const wait = queue.entry(id)?.wait ?? queue.channel(channel).wait;
  return { id, channel, destination, state, reason: wait?.reason, next: next || undefined };
}

/** Counts the queue. */
export function statusOf(queue: Queue, now: number): Status {
  const count = { queued: 0, deferred: 0, held: 0, dead: 0 };
  for (const entry of queue.entries()) count[queue.stateOf(entry)]++;
  const oldest = queue.live().at(0);
  const wait = oldest && (oldest.wait ?? queue.channel(oldest.channel).wait);
  return {
    ...count,
    ...queue.figures(),
    oldestSeconds: oldest ? Math.max(0, Math.round((now - oldest.time) / 1000)) : 0,
    waitingFor: wait?.reason,
    until: wait?.next,
  };
}
