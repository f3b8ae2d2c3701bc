/**
 * Parses durations that people write, and formats durations that people read. In code, durations
 * are in milliseconds, and their names end in `Ms`.
 */

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/**
 * Parses a duration such as `30s`, `15m`, `2h`, `1h30m`, `14d` or `0`.
 *
 * @returns the duration in milliseconds; undefined if the text is not a duration
 */
export function parseDuration(text: string): number | undefined {
  if (text.trim() === "0") return 0;
  if (!/^\s*(\d+(\.\d+)?\s*(ms|s|m|min|h|d|w)\s*)+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)\s*(ms|min|s|m|h|d|w)/g)) {
    total += Number(amount) * UNIT_MS[unit];
  }
  return Math.round(total);
}

/** The units of a formatted duration, in seconds. */
const UNITS = [[86_400, "d"], [3600, "h"], [60, "min"], [1, "s"]] as const;

/** Formats a duration with its two largest units: `850 ms`, `12 s`, `2 h 5 min`, `3 d`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  const seconds = Math.round(ms / 1000);
  const at = UNITS.findIndex(([size]) => seconds >= size);
  const [size, unit] = UNITS[at], [nextSize, nextUnit] = UNITS[at + 1] ?? UNITS[at];
  const next = Math.floor(seconds % size / nextSize);
  return `${Math.floor(seconds / size)} ${unit}${next === 0 ? "" : ` ${next} ${nextUnit}`}`;
}
