/** How large things may become, and how long they are kept. */

/** A smaller journal is never compacted. */
export const MIN_COMPACTION_BYTES: number = 256 * 1024;

/** How large the journal may become by what comes in. What is in it can always be settled. */
export const MAX_QUEUE_BYTES: number = 16 * 2 ** 20;

/** How much more there is for what is critical. */
export const URGENT_BYTES: number = MAX_QUEUE_BYTES / 10;

/** From here on people are warned, and a compaction is worth it for less. */
export const NEARLY_FULL_BYTES: number = 0.8 * MAX_QUEUE_BYTES;

/** How much the files of what is in the queue may be together. */
export const MAX_FILES_BYTES: number = 64 * 2 ** 20;

/** How much room is kept back for a full disk. */
export const RESERVE_BYTES: number = 64 * 1024;

/** How long it is remembered that an entry was delivered which its caller may send again by its own name. */
export const NAMED_ACK_RETENTION_MS: number = 7 * 86_400_000;

/** How long it is remembered of any other: for those who wait for it at this moment. */
export const ACK_RETENTION_MS: number = 3_600_000;

/** What to tell people of a journal of this size; undefined while there is room. */
export function fullnessWarning(bytes: number): string | undefined {
  if (bytes <= NEARLY_FULL_BYTES) return undefined;
  return `The queue is nearly full: ${bytes} of ${MAX_QUEUE_BYTES} bytes; what comes then is refused`;
}
