/** How long an account rests after failures in a row. */

/** The shortest rest. */
export const MIN_BACKOFF_MS = 1000;

/** The longest rest of our own choice; a server may ask for more. */
export const MAX_BACKOFF_MS: number = 5 * 60_000;

/**
 * 1 s, doubling to 5 min, half fixed and half random: a thousand hosts that lost the same server do not come back in step, and none comes back
 * at once.
 *
 * @param failures how many failures in a row, from 1
 * @param random a number from 0 to 1
 */
export function backoffMs(failures: number, random: number): number {
  const step = Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS * 2 ** Math.min(failures - 1, 30));
  return Math.max(MIN_BACKOFF_MS, Math.round(step / 2 + (step / 2) * random));
}
