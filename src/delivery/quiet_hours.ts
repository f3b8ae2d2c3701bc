/**
 * Quiet hours, by the wall clock of the host. Pure.
 *
 * Nothing is computed with days of 24 hours: a minute is quiet when the clock on the wall says so, and quiet hours end with the first minute that is not. So
 * they end at the right moment too in the nights in which the clock is changed.
 *
 * @module
 */

/** From one time of day to another; over midnight where the second is not later. */
export interface QuietHours {
  /** Minutes since midnight. */
  readonly from: number;
  /** Minutes since midnight; the first minute that is not quiet any more. */
  readonly to: number;
}

/** The time of day of a moment: minutes since midnight. */
export type WallClock = (time: number) => number;

/** The wall clock of this host. */
export function localMinute(time: number): number {
  const date = new Date(time);
  return 60 * date.getHours() + date.getMinutes();
}

const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;
const DAY_MS = DAY_MINUTES * MINUTE_MS;
/** A day is never longer, whatever is done to the clock. */
const LONGEST_DAY_MS = 26 * 60 * MINUTE_MS;

/**
 * Reads a time of day: `22:00`, `7:30`.
 *
 * @returns minutes since midnight; undefined when the text is none
 */
export function parseTimeOfDay(text: string): number | undefined {
  const [, hours, minutes] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text.trim()) ?? [];
  return hours === undefined ? undefined : 60 * Number(hours) + Number(minutes);
}

/** Writes a time of day: `07:00`. */
export function formatTimeOfDay(minute: number): string {
  return [Math.floor(minute / 60), minute % 60].map((number) => String(number).padStart(2, "0")).join(":");
}

/** When the quiet hours end that there are at a moment, milliseconds since 1970; undefined when there are none then. */
export function quietUntil(quiet: QuietHours, time: number, clock: WallClock = localMinute): number | undefined {
  const minute = clock(time);
  if (!isQuiet(quiet, minute)) return undefined;
  // On all nights but two of the year it is as far as it looks.
  const straight = nextMinute(time) + ((quiet.to - minute + DAY_MINUTES) % DAY_MINUTES - 1) * MINUTE_MS;
  if (clock(straight) === quiet.to) return straight;
  const end = time + LONGEST_DAY_MS;
  let next = nextMinute(time);
  while (next < end && isQuiet(quiet, clock(next))) next += MINUTE_MS;
  return next;
}

/** Whether there were quiet hours between two moments: whatever waited then waited for their end too. */
export function wasQuiet(
  quiet: QuietHours,
  { from, until }: { readonly from: number; readonly until: number },
  clock: WallClock = localMinute,
): boolean {
  if (until - from >= DAY_MS) return true;
  for (let time = from; time < until; time = nextMinute(time)) if (isQuiet(quiet, clock(time))) return true;
  return false;
}

/** When the last quiet hours ended that there were within a day before a moment; undefined when there were none. */
export function lastQuietEnd(quiet: QuietHours, time: number, clock: WallClock = localMinute): number | undefined {
  let minute = nextMinute(time) - MINUTE_MS;
  while (minute > time - LONGEST_DAY_MS && !isQuiet(quiet, clock(minute))) minute -= MINUTE_MS;
  return isQuiet(quiet, clock(minute)) ? minute + MINUTE_MS : undefined;
}

function isQuiet({ from, to }: QuietHours, minute: number): boolean {
  return from < to ? from <= minute && minute < to : minute >= from || minute < to;
}

function nextMinute(time: number): number {
  return (Math.floor(time / MINUTE_MS) + 1) * MINUTE_MS;
}
