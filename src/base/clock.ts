/**
 * Protection against wrong clocks. A host without a clock battery starts in 1970, and a clock can
 * jump. Because of a wrong time, an entry must neither wait for years nor expire immediately.
 *
 * @module
 */

/** Corrections of the clock up to this difference are normal. */
const CLOCK_SLACK_MS = 60_000;

/** 2026-01-01. An earlier time means that the clock was not set yet. */
const CLOCK_SET_AFTER: number = Date.UTC(2026, 0, 1);

/** 2037-01-01. A later time means that the clock has jumped (32-bit time ends in 2038). */
const CLOCK_SET_BEFORE: number = Date.UTC(2037, 0, 1);

/**
 * Returns true if `time` is later than `now` by more than a normal correction of the clock. Either
 * the clock was wrong when `time` was recorded, or the clock is wrong now.
 */
export function isFromFuture(time: number, now: number): boolean {
  return time > now + CLOCK_SLACK_MS;
}

/**
 * Returns true if the clock was already set at `time`, when an entry was queued. Otherwise the age
 * of the entry is unknown.
 */
export function isAgeKnown(time: number): boolean {
  return time >= CLOCK_SET_AFTER;
}

/** Returns true if the clock jumped so far ahead that all entries would expire. */
export function hasJumpedAhead(now: number): boolean {
  return now >= CLOCK_SET_BEFORE;
}
