/**
 * The limits that keep a notifier from being muted: when a backlog becomes a batch, how many
 * messages a lane sends in a time, and when it is quiet. This file has the values; batching.ts and
 * delays.ts apply them.
 *
 * @module
 */

import { MAX_REMEMBERED_DELIVERIES } from "../queue/limits.ts";
import type { QuietHours } from "./quiet_hours.ts";

/**
 * At most `count` messages within `perMs`. What comes meanwhile waits for one batch. A batch counts
 * as `count` messages.
 */
export interface RateLimit {
  readonly count: number;
  readonly perMs: number;
}

/** The largest `count`: the queue remembers so many deliveries of a lane. */
export const MAX_RATE_COUNT: number = MAX_REMEMBERED_DELIVERIES;

/** The policy for the lanes of a channel. */
export interface LanePolicy {
  /** A backlog of more entries becomes a batch. Infinity: never. */
  readonly batchOver: number;
  /** @default no rate limit */
  readonly rateLimit?: RateLimit;
  /** When only critical notifications are sent. @default never */
  readonly quiet?: QuietHours;
}

/** The largest `batchOver`. */
export const MAX_BATCH_OVER = 1_000_000;

/** The policy of a channel without configuration. */
export const DEFAULT_POLICY: LanePolicy = { batchOver: 10 };

/**
 * The default rate limit, which is Synapse's own in the long run. It applies only if a background
 * process will send what it delays.
 */
export const DEFAULT_RATE_LIMIT: RateLimit = { count: 3, perMs: 5_000 };

/**
 * A burst is over when nothing came for this time. Until then, what its rate limit delays waits for
 * one batch.
 */
export const BURST_SILENCE_MS = 2_000;

/** A burst that does not end sends a batch after this time all the same. */
export const MAX_GATHERING_MS = 30_000;

/**
 * Sets the default rate limit for each channel that may send batches and has no rate limit of its
 * own.
 */
export function withDefaultRateLimit(policies: ReadonlyMap<string, LanePolicy>): ReadonlyMap<string, LanePolicy> {
  return new Map(Array.from(policies, ([name, policy]) => {
    return [
      name,
      policy.batchOver === Infinity ? policy : { ...policy, rateLimit: policy.rateLimit ?? DEFAULT_RATE_LIMIT },
    ];
  }));
}

/**
 * Under a server's rate limit, a backlog of more entries becomes a batch: each message costs
 * seconds.
 */
export const RATE_LIMITED_BATCH_OVER = 3;

/** The largest batch, in entries. People do not read a longer one. */
export const MAX_BATCH_MEMBERS = 500;
