/** Limits for sizes and storage times. */

/** The size below which a journal is never compacted. */
export const MIN_COMPACTION_BYTES: number = 256 * 1024;

/**
 * The size limit of the journal for new entries. Results of attempts are written even above the
 * limit.
 */
export const MAX_QUEUE_BYTES: number = 16 * 2 ** 20;

/** The additional space for critical notifications. */
export const URGENT_BYTES: number = MAX_QUEUE_BYTES / 10;

/** The size above which the user is warned and the journal is compacted more often. */
export const NEARLY_FULL_BYTES: number = 0.8 * MAX_QUEUE_BYTES;

/** The largest total size of the attachments of all entries. */
export const MAX_FILES_BYTES: number = 64 * 2 ** 20;

/** The size of `reserve.bin`. */
export const RESERVE_BYTES: number = 64 * 1024;

/**
 * The time for which the delivery of an entry with an idempotency key is remembered. During this
 * time, the caller can repeat the call with this key.
 */
export const NAMED_ACK_RETENTION_MS: number = 7 * 86_400_000;

/**
 * The time for which the delivery of an entry without an idempotency key is remembered, because a
 * process may wait for the result.
 */
export const ACK_RETENTION_MS: number = 3_600_000;

/**
 * The number of remembered deliveries per lane (one destination of one channel). The `count` of a
 * rate limit cannot be larger.
 */
export const MAX_REMEMBERED_DELIVERIES = 20;

/**
 * The time without a delivery after which a compaction forgets the deliveries of a lane. The period
 * of a rate limit cannot be longer.
 */
export const LANE_RETENTION_MS: number = 24 * 3_600_000;

/** The time without a delivery after which an incident is over. */
export const INCIDENT_RETENTION_MS: number = 30 * 86_400_000;

/**
 * The largest number of remembered open incidents. The incident whose last delivery is the oldest
 * is forgotten first.
 */
export const MAX_INCIDENTS = 256;

/** Returns a warning if a journal of this size is nearly full; otherwise undefined. */
export function fullnessWarning(bytes: number): string | undefined {
  if (bytes <= NEARLY_FULL_BYTES) return undefined;
  return `The queue is nearly full: ${bytes} of ${MAX_QUEUE_BYTES} bytes; at the limit, new notifications are rejected`;
}
