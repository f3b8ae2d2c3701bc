/**
 * Formats times in the time zone of this host: for people and, in ISO 8601, for programs. Times are
 * in milliseconds since 1970.
 *
 * @module
 */

/**
 * Returns the offset of local time from UTC at a given time, in minutes. The offset is positive if
 * local time is ahead of UTC.
 */
export type Zone = (time: number) => number;

/** The time zone of this host. */
function hostZone(time: number): number {
  return -toDate(time).getTimezoneOffset();
}

/** The largest time of a `Date`, minus one day for the time zone, in milliseconds since 1970. */
const MAX_TIME = 8.64e15 - 86_400_000;

/** Creates a date. A time outside the range of `Date` is replaced by the nearest valid time. */
function toDate(time: number): Date {
  return new Date(Math.min(Math.max(time, -MAX_TIME), MAX_TIME));
}

/** Options of {@linkcode formatTime}. */
export interface TimeOptions {
  /**
   * The current time. If the formatted time is on the same day, the date is left out. Without
   * `now`, the date is always shown.
   */
  readonly now?: number;
  /** @default the time zone of this host */
  readonly zone?: Zone;
}

/**
 * Formats a time for people: `2026-11-22 20:15:07 UTC+1`, or `20:15:07 UTC+1` if the time is today.
 *
 * @example
 * ```ts
 * import { formatTime } from "./time.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const time = Date.UTC(2026, 10, 22, 19, 15, 7);
 * assertEquals(formatTime(time, { zone: () => 60 }), "2026-11-22 20:15:07 UTC+1");
 * assertEquals(formatTime(time, { now: time + 1000, zone: () => 60 }), "20:15:07 UTC+1");
 * ```
 */
export function formatTime(time: number, { now, zone = hostZone }: TimeOptions = {}): string {
  const { day, clock, offset } = readClock(time, zone);
  const date = now !== undefined && formatDay(now, zone) === day ? "" : `${day} `;
  return `${date}${clock} ${formatZone(offset)}`;
}

/** Formats the date of a time: `2026-11-22`. */
export function formatDay(time: number, zone: Zone = hostZone): string {
  return readClock(time, zone).day;
}

/**
 * Formats the time of day: `20:15:07`. Use this function only where the reader knows the date and
 * the zone.
 */
export function formatClock(time: number, zone: Zone = hostZone): string {
  return readClock(time, zone).clock;
}

/** Formats a time for programs, in ISO 8601 with the offset: `2026-11-22T20:15:07.000+01:00`. */
export function formatIsoTime(time: number, zone: Zone = hostZone): string {
  const { whole, offset } = readClock(time, zone);
  const { sign, hours, minutes } = splitOffset(offset);
  return `${whole}${sign}${twoDigits(hours)}:${twoDigits(minutes)}`;
}

/**
 * Converts a time to local time. Returns the whole local time (`2026-11-22T20:15:07.000`), its day,
 * its time of day, and the offset from UTC.
 */
function readClock(time: number, zone: Zone) {
  const offset = zone(time);
  const whole = new Date(toDate(time).getTime() + offset * 60_000).toISOString().slice(0, -1);
  return { whole, day: whole.slice(0, -13), clock: whole.slice(-12, -4), offset };
}

/** Formats the zone: `UTC`, `UTC+1`, `UTC-3:30`. */
function formatZone(offset: number): string {
  if (offset === 0) return "UTC";
  const { sign, hours, minutes } = splitOffset(offset);
  return `UTC${sign}${hours}${minutes === 0 ? "" : `:${twoDigits(minutes)}`}`;
}

function splitOffset(offset: number) {
  const size = Math.abs(offset);
  return { sign: offset < 0 ? "-" : "+", hours: Math.floor(size / 60), minutes: size % 60 };
}

function twoDigits(number: number): string {
  return String(number).padStart(2, "0");
}
