/**
 * Quiet hours by the wall clock of the host. Pure.
 *
 * A minute is quiet if the wall clock says so, and quiet hours end with the first minute that is
 * not. No day is assumed to have 24 hours, so that they also end at the right time in the nights in
 * which daylight saving time starts or ends.
 *
 * @module
 */

/** From one time of day to another. They go over midnight if `to` is not later than `from`. */
export interface QuietHours {
  /** Minutes since midnight. */
  readonly from: number;
  /** The first minute that is not quiet any more: minutes since midnight. */
  readonly to: number;
}

/** Reads a wall clock: from milliseconds since 1970 to minutes since midnight. */
export type WallClock = (time: number) => number;

/** The wall clock of this host. */
export function localMinute(time: number): number {
  const date = new Date(time);
  return 60 * date.getHours() + date.getMinutes();
}

const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;
const DAY_MS = DAY_MINUTES * MINUTE_MS;
/** No change of the clock makes a day longer. */
const LONGEST_DAY_MS = 26 * 60 * MINUTE_MS;

/**
 * Parses a time of day: `22:00`, `7:30`.
 *
 * @returns minutes since midnight; undefined if the text is no time of day
 */
export function parseTimeOfDay(text: string): number | undefined {
  const [, hours, minutes] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text.trim()) ?? [];
  return hours === undefined ? undefined : 60 * Number(hours) + Number(minutes);
}

/** Formats minutes since midnight: `07:00`. */
export function formatTimeOfDay(minute: number): string {
  return [Math.floor(minute / 60), minute % 60].map((number) => String(number).padStart(2, "0")).join(":");
}

/**
 * When the current quiet hours end, milliseconds since 1970; undefined if `time` is not in quiet
 * hours.
 */
export function quietUntil(quiet: QuietHours, time: number, clock: WallClock = localMinute): number | undefined {
  const minute = clock(time);
  if (!isQuiet(quiet, minute)) return undefined;
  // On all but two nights of the year, plain arithmetic is right.
  const expected = nextMinute(time) + ((quiet.to - minute + DAY_MINUTES) % DAY_MINUTES - 1) * MINUTE_MS;
  if (clock(expected) === quiet.to) return expected;
  const end = time + LONGEST_DAY_MS;
  let next = nextMinute(time);
  while (next < end && isQuiet(quiet, clock(next))) next += MINUTE_MS;
  return next;
}

/**
 * True if any minute between two times was quiet: an entry of that age waited for the end of quiet
 * hours.
 */
export function wasQuiet(
  quiet: QuietHours,
  { from, until }: { readonly from: number; readonly until: number },
  clock: WallClock = localMinute,
): boolean {
  if (until - from >= DAY_MS) return true;
  for (let time = from; time < until; time = nextMinute(time)) if (isQuiet(quiet, clock(time))) return true;
  return false;
}

/** When the last quiet hours ended; undefined if none ended in the day before `time`. */
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
