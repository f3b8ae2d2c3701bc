/**
 * Quiet hours by the wall clock of the host. The functions have no side effects.
 *
 * Quiet hours end at the first minute whose time of day is not quiet. This rule also works on a day
 * with 23 or 25 hours, when daylight saving time starts or ends.
 *
 * @module
 */

/**
 * A period between two times of day. The period includes midnight if `to` is not later than `from`.
 */
export interface QuietHours {
  /** The first quiet minute, in minutes since midnight. */
  readonly from: number;
  /** The first minute after the quiet hours, in minutes since midnight. */
  readonly to: number;
}

/** A function that converts milliseconds since 1970 to minutes since midnight on a wall clock. */
export type WallClock = (time: number) => number;

/** Returns the time of day on the wall clock of this host, in minutes since midnight. */
export function localMinute(time: number): number {
  const date = new Date(time);
  return 60 * date.getHours() + date.getMinutes();
}

const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;
const DAY_MS = DAY_MINUTES * MINUTE_MS;
/** An upper limit for the length of a day, even when daylight saving time starts or ends. */
const LONGEST_DAY_MS = 26 * 60 * MINUTE_MS;

/**
 * Parses a time of day: `22:00`, `7:30`.
 *
 * @returns minutes since midnight; undefined if the text is not a time of day
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
 * Returns the end of the quiet hours that include `time`, in milliseconds since 1970; undefined if
 * `time` is not in quiet hours.
 */
export function quietUntil(quiet: QuietHours, time: number, clock: WallClock = localMinute): number | undefined {
  const minute = clock(time);
  if (!isQuiet(quiet, minute)) return undefined;
  // `expected` is right, unless daylight saving time starts or ends during the quiet hours.
  const expected = nextMinute(time) + ((quiet.to - minute + DAY_MINUTES) % DAY_MINUTES - 1) * MINUTE_MS;
  if (clock(expected) === quiet.to) return expected;
  const end = time + LONGEST_DAY_MS;
  let next = nextMinute(time);
  while (next < end && isQuiet(quiet, clock(next))) next += MINUTE_MS;
  return next;
}

/** Returns true if any minute between two times was quiet. */
export function wasQuiet(
  quiet: QuietHours,
  { from, until }: { readonly from: number; readonly until: number },
  clock: WallClock = localMinute,
): boolean {
  if (until - from >= DAY_MS) return true;
  for (let time = from; time < until; time = nextMinute(time)) if (isQuiet(quiet, clock(time))) return true;
  return false;
}

/**
 * Returns the end of the last quiet hours, in milliseconds since 1970; undefined if the 26 hours
 * before `time` had no quiet minute.
 */
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
