/** Limits for sizes and storage times. */

import { formatBytes } from "../base/count.ts";

/**
 * The size below which a journal is never compacted (rewritten to make it shorter), in bytes. This
 * size is small, because each start of the program reads the whole journal. Above 5 KiB, V8 also
 * starts its optimizing compiler for the checksums, which costs 2.5 ms and 1.8 MiB.
 */
export const MIN_COMPACTION_BYTES: number = 4 * 1024;

/**
 * The size limit of the journal, in bytes. Above this limit, only critical notifications are
 * accepted. Other records, such as the results of attempts, are still written.
 */
export const MAX_QUEUE_BYTES: number = 16 * 2 ** 20;

/**
 * The maximum space that `spool/` occupies on the disk, in bytes. `spool/` contains entries that
 * could not be written to the journal. The journal accepts them later even if they exceed its
 * limit.
 */
export const MAX_SPOOL_BYTES: number = 16 * 2 ** 20;

/** The additional space in the journal and in `spool/` for critical notifications, in bytes. */
export const URGENT_BYTES: number = MAX_QUEUE_BYTES / 10;

/**
 * The size of the journal above which the user is warned, in bytes. Above this size, the journal is
 * also compacted more often.
 */
export const NEARLY_FULL_BYTES: number = 0.8 * MAX_QUEUE_BYTES;

/**
 * The maximum total size of the records of past deliveries, in bytes. Above this size, the oldest
 * deliveries are forgotten. Without this limit, a caller that uses many idempotency keys could fill
 * the queue.
 */
export const MAX_ACK_BYTES: number = MAX_QUEUE_BYTES / 4;

/** The maximum space that the attachments in the queue occupy on the disk, in bytes. */
export const MAX_FILES_BYTES: number = 64 * 2 ** 20;

/**
 * The maximum space that `quarantine/` occupies on the disk, in bytes. Above this size, the oldest
 * damaged lines and files are deleted.
 */
export const MAX_QUARANTINE_BYTES: number = 16 * 2 ** 20;

/** The size of `reserve.bin` (a file that reserves disk space), in bytes. */
export const RESERVE_BYTES: number = 64 * 1024;

/**
 * The time for which the delivery of an entry with an idempotency key is remembered. During this
 * time, a repeated call with this key does not send the entry again.
 */
export const NAMED_ACK_RETENTION_MS: number = 7 * 86_400_000;

/**
 * The time for which the delivery of an entry without an idempotency key is remembered. A process
 * may wait for the result during this time.
 */
export const ACK_RETENTION_MS: number = 3_600_000;

/**
 * The number of remembered deliveries per lane (one destination of one channel). The setting
 * `count` of a rate limit cannot be larger than this number.
 */
export const MAX_REMEMBERED_DELIVERIES = 20;

/**
 * A compaction forgets the deliveries of a lane if the last delivery is older than this time. The
 * period of a rate limit cannot be longer than this time.
 */
export const LANE_RETENTION_MS: number = 24 * 3_600_000;

/** An incident is over if no notification about it was delivered during this time. */
export const INCIDENT_RETENTION_MS: number = 30 * 86_400_000;

/**
 * The maximum number of remembered open incidents. If there are more, matrix-notify forgets the
 * incident that was updated least recently.
 */
export const MAX_INCIDENTS = 256;

/** Returns a warning if a journal of this size is nearly full; otherwise undefined. */
export function fullnessWarning(bytes: number): string | undefined {
  if (bytes <= NEARLY_FULL_BYTES) return undefined;
  const fullness = `${formatBytes(bytes)} of ${formatBytes(MAX_QUEUE_BYTES)}`;
  return `The queue is nearly full: ${fullness}; at the limit, new notifications are rejected`;
}
