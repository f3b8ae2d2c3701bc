/**
 * Limits the number of messages, so that users do not mute matrix-notify. There are three ways:
 * batches, rate limits and quiet hours. This file defines the values; batching.ts and delays.ts
 * apply them.
 *
 * @module
 */

import { MAX_REMEMBERED_DELIVERIES } from "../queue/limits.ts";
import type { QuietHours } from "./quiet_hours.ts";

/**
 * A limit of `count` messages within `perMs` milliseconds. Further entries wait and become one
 * batch (one message for several entries). A batch uses up the whole limit.
 */
export interface RateLimit {
  readonly count: number;
  readonly perMs: number;
}

/**
 * The largest allowed `count` of a rate limit. The queue remembers only this number of deliveries
 * for each channel and destination.
 */
export const MAX_RATE_COUNT: number = MAX_REMEMBERED_DELIVERIES;

/** The policy for the lanes of a channel (one lane per destination). */
export interface LanePolicy {
  /**
   * The largest number of waiting entries that are sent one by one after an outage. If more entries
   * wait, they become a batch (one message). Infinity turns batches off.
   */
  readonly batchOver: number;
  /**
   * `lines`: a batch shows one line for each entry, and a file contains the full texts.
   * @default the batch contains the full texts
   */
  readonly style?: "lines";
  /** The rate limit of each lane (destination). @default no rate limit */
  readonly rateLimit?: RateLimit;
  /** The hours in which only critical notifications are sent. @default no quiet hours */
  readonly quiet?: QuietHours;
}

/** The largest allowed `batchOver`. */
export const MAX_BATCH_OVER = 1_000_000;

/** The policy of a channel without configuration. */
export const DEFAULT_POLICY: LanePolicy = { batchOver: 10 };

/**
 * A burst (many entries within a short time) ends after this time without a new entry. Until then,
 * the delayed entries of the burst wait to become one batch.
 */
export const BURST_SILENCE_MS = 2_000;

/** The longest wait for the end of a burst. After this time, a batch is sent anyway. */
export const MAX_GATHERING_MS = 30_000;

/**
 * The largest number of waiting entries that are sent one by one while the server limits the rate.
 * If more entries wait, they become a batch, because each message must wait for several seconds.
 */
export const RATE_LIMITED_BATCH_OVER = 3;

/**
 * If the first entry of a lane (one channel and destination) waited longer than this time, there
 * was an outage: no process delivered, or the service did not accept messages.
 */
export const OUTAGE_MS = 10_000;

/** The largest batch, in entries. The ids of the entries must fit into a line of the journal. */
export const MAX_BATCH_MEMBERS = 500;
