/**
 * What keeps people from muting a notifier: a backlog comes as one digest, a lane may be given a pace, and nights may be quiet. Values only; the courier acts
 * on them.
 *
 * @module
 */

import { MAX_REMEMBERED_DELIVERIES } from "../queue/limits.ts";
import type { QuietHours } from "./quiet_hours.ts";

/** At most `burst` events within `perMs`; what comes meanwhile waits, and comes together. A digest counts as a whole burst. */
export interface RateLimit {
  readonly count: number;
  readonly perMs: number;
}

/** The largest `count` of a rate limit: the queue remembers so many deliveries of a lane. */
export const MAX_RATE_COUNT: number = MAX_REMEMBERED_DELIVERIES;

/** What holds for the lanes of a channel. */
export interface LanePolicy {
  /** More than so many that wait become one digest; Infinity for never. */
  readonly batchOver: number;
  /** How often a lane may speak; undefined for as often as there is something to say. */
  readonly rateLimit?: RateLimit;
  /** When it says only what is critical. */
  readonly quiet?: QuietHours;
}

/** The largest backlog that can be asked for. */
export const MAX_BATCH_OVER = 1_000_000;

/** What holds where nothing is configured. */
export const DEFAULT_POLICY: LanePolicy = { batchOver: 10 };

/**
 * The pace of a lane where none is configured and a process stays that says the rest: three events at once, and then one each five seconds, which is
 * what Synapse allows in the long run.
 */
export const DEFAULT_RATE_LIMIT: RateLimit = { count: 3, perMs: 5_000 };

/** A flood is over when nothing came for so long; until then what waits for its pace goes on gathering. */
export const BURST_SILENCE_MS = 2_000;

/** A flood that does not end is told of all the same, in an event each half minute. */
export const MAX_GATHERING_MS = 30_000;

/** Gives the default pace to all that may have digests and no pace of their own. */
export function withDefaultRateLimit(policies: ReadonlyMap<string, LanePolicy>): ReadonlyMap<string, LanePolicy> {
  return new Map(Array.from(policies, ([name, policy]) => {
    return [
      name,
      policy.batchOver === Infinity ? policy : { ...policy, rateLimit: policy.rateLimit ?? DEFAULT_RATE_LIMIT },
    ];
  }));
}

/** More than so many that wait under a rate limit become one digest: each would cost seconds. */
export const RATE_LIMITED_BATCH_OVER = 3;

/** More than this one digest does not hold, however much room there is: nobody reads a longer one. */
export const MAX_BATCH_MEMBERS = 500;
