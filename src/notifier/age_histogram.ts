/** How long entries wait, as a histogram: one that is stuck looks different from a hundred that just came. */

/** How many wait for how long: for less than a class says, and for no less than the class before it. */
export interface Ages {
  /** Under a minute: just came, or a first try is under way. */
  readonly under1m: number;
  /** Under 15 minutes: a restart, a short outage. */
  readonly under15m: number;
  /** Under an hour. */
  readonly under1h: number;
  /** Under 6 hours. */
  readonly under6h: number;
  /** Under a day. */
  readonly under1d: number;
  /** Under 7 days. */
  readonly under7d: number;
  /** 7 days or more: what waits longer than its expiry (14 days by default) is buried. */
  readonly older: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const LIMITS_MS: readonly (readonly [keyof Ages, number])[] = [
  ["under1m", MINUTE_MS],
  ["under15m", 15 * MINUTE_MS],
  ["under1h", HOUR_MS],
  ["under6h", 6 * HOUR_MS],
  ["under1d", DAY_MS],
  ["under7d", 7 * DAY_MS],
];

/** Sorts ages, in milliseconds, into their classes. An age below zero is a clock's doing and counts as none. */
export function agesOf(agesMs: readonly number[]): Ages {
  const counts = { under1m: 0, under15m: 0, under1h: 0, under6h: 0, under1d: 0, under7d: 0, older: 0 };
  for (const age of agesMs) counts[LIMITS_MS.find(([, limitMs]) => age < limitMs)?.[0] ?? "older"]++;
  return counts;
}
