/** How large things may become, and how long they are kept. */

/** A smaller journal is never compacted. */
export const MIN_COMPACTION_BYTES: number = 256 * 1024;

/** The size up to which the journal takes new entries. Results of entries are always written. */
export const MAX_QUEUE_BYTES: number = 16 * 2 ** 20;

/** How much more there is for critical notifications. */
export const URGENT_BYTES: number = MAX_QUEUE_BYTES / 10;

/** From this size on, the user is warned, and the journal is compacted more often. */
export const NEARLY_FULL_BYTES: number = 0.8 * MAX_QUEUE_BYTES;

/** The total size of the attachments of all entries. */
export const MAX_FILES_BYTES: number = 64 * 2 ** 20;

/** The size of `reserve.bin`. */
export const RESERVE_BYTES: number = 64 * 1024;

/**
 * How long the delivery of an entry with an idempotency key is remembered: its caller may repeat
 * it.
 */
export const NAMED_ACK_RETENTION_MS: number = 7 * 86_400_000;

/** How long any other delivery is remembered: a process may be waiting for it. */
export const ACK_RETENTION_MS: number = 3_600_000;

/** How many deliveries of a lane are remembered. No rate limit counts more. */
export const MAX_REMEMBERED_DELIVERIES = 20;

/**
 * Compaction forgets the deliveries of a lane that was silent for so long. No rate limit lasts
 * longer.
 */
export const LANE_RETENTION_MS: number = 24 * 3_600_000;

/** If a key was silent for so long, its incident is over. */
export const INCIDENT_RETENTION_MS: number = 30 * 86_400_000;

/** How many open incidents are remembered. The one that was silent longest is forgotten first. */
export const MAX_INCIDENTS = 256;

/** Returns a warning for a journal of this size; undefined while there is room. */
export function fullnessWarning(bytes: number): string | undefined {
  if (bytes <= NEARLY_FULL_BYTES) return undefined;
  return `The queue is nearly full: ${bytes} of ${MAX_QUEUE_BYTES} bytes; at the limit, new notifications are rejected`;
}
