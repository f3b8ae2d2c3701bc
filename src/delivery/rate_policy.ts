/**
 * Limits against too many messages, so that users do not mute the notifier: batches, rate limits
 * and quiet hours. This file defines the values; batching.ts and delays.ts apply them.
 *
 * @module
 */

import { MAX_REMEMBERED_DELIVERIES } from "../queue/limits.ts";
import type { QuietHours } from "./quiet_hours.ts";

/**
 * A limit of `count` messages within `perMs`. Further entries wait and become one batch (one
 * message for several entries). A batch counts as `count` messages.
 */
export interface RateLimit {
  readonly count: number;
  readonly perMs: number;
}

/**
 * The largest allowed `count` of a rate limit: the number of deliveries that the queue remembers
 * for a lane.
 */
export const MAX_RATE_COUNT: number = MAX_REMEMBERED_DELIVERIES;

/** The policy for the lanes of a channel (one lane per destination). */
export interface LanePolicy {
  /**
   * The largest number of waiting entries that do not become a batch (one message). Infinity turns
   * batches off.
   */
  readonly batchOver: number;
  /** The rate limit of each lane (destination). @default no rate limit */
  readonly rateLimit?: RateLimit;
  /** The hours in which only critical notifications are sent. @default no quiet hours */
  readonly quiet?: QuietHours;
}

/** The largest `batchOver`. */
export const MAX_BATCH_OVER = 1_000_000;

/** The policy of a channel without configuration. */
export const DEFAULT_POLICY: LanePolicy = { batchOver: 10 };

/**
 * The default rate limit. During a long burst, one batch per 5 s is sent, which equals the rate
 * limit of Synapse (a Matrix server). The default is not used without a background process, because
 * no process would send the delayed entries.
 */
export const DEFAULT_RATE_LIMIT: RateLimit = { count: 3, perMs: 5_000 };

/**
 * A burst (many entries within a short time) ends after this time without a new entry. Until then,
 * its delayed entries wait to become one batch.
 */
export const BURST_SILENCE_MS = 2_000;

/** The longest wait for the end of a burst. After this time, a batch is sent anyway. */
export const MAX_GATHERING_MS = 30_000;

/** Adds the default rate limit to each policy that allows batches and has no rate limit. */
export function withDefaultRateLimit(policies: ReadonlyMap<string, LanePolicy>): ReadonlyMap<string, LanePolicy> {
  return new Map(Array.from(policies, ([name, policy]) => {
    return [
      name,
      policy.batchOver === Infinity ? policy : { ...policy, rateLimit: policy.rateLimit ?? DEFAULT_RATE_LIMIT },
    ];
  }));
}

/**
 * While the server limits the rate, more than this number of waiting entries become a batch. During
 * a rate limit, each message must wait for several seconds.
 */
export const RATE_LIMITED_BATCH_OVER = 3;

/** The largest batch, in entries. People do not read longer lists. */
export const MAX_BATCH_MEMBERS = 500;
