/**
 * Wrong clocks. A host without a clock battery starts in 1970, a clock can jump, and small
 * corrections are normal. A time that such a clock stamped must neither delay an entry for years
 * nor expire it at once.
 *
 * @module
 */

/** Small corrections of the clock are normal; only a larger one makes a time doubtful. */
const CLOCK_SLACK_MS = 60_000;

/** The earliest time that a clock can show once it is set: 2026-01-01. */
const CLOCK_SET_AFTER: number = Date.UTC(2026, 0, 1);

/** From this time on the clock has jumped: 2037-01-01. 32-bit time ends in 2038. */
const CLOCK_SET_BEFORE: number = Date.UTC(2037, 0, 1);

/** True if the clock that stamped `time` ran ahead of `now`. */
export function isFromFuture(time: number, now: number): boolean {
  return time > now + CLOCK_SLACK_MS;
}

/** True if the age of an entry is known: the clock was set when it was queued. */
export function isAgeKnown(time: number): boolean {
  return time >= CLOCK_SET_AFTER;
}

/** True if the clock jumped so far ahead that every entry would expire at once. */
export function hasJumpedAhead(now: number): boolean {
  return now >= CLOCK_SET_BEFORE;
}
