/**
 * Whether the queue is well: what a monitoring system asks. It judges what somebody can do something about, and nothing that is over: a line that was torn
 * was never acknowledged, a duplicate that was possible cannot be undone, so both are counted and neither is an alarm.
 *
 * @module
 */

import { formatDuration } from "../base/duration.ts";
import { NEARLY_FULL_BYTES } from "../queue/limits.ts";
import { MAX_LINE_BYTES } from "../queue/journal_line.ts";
import type { Status } from "./status.ts";

/** What is well, what somebody should see to today, and what somebody should see to now. */
export type HealthState = "ok" | "warning" | "critical";

/** A verdict. */
export interface Health {
  /** The worst of its problems. */
  readonly state: HealthState;
  /** What is wrong, the worst first. */
  readonly problems: readonly string[];
}

/** Above `warning` a number is a warning, above `critical` it is critical. */
export interface Threshold {
  readonly warning?: number;
  readonly critical?: number;
}

/** Numbers of a status that are judged. */
export type Judged = "oldestSeconds" | "held" | "bytes" | "dead" | "quarantined";

/**
 * Where the numbers of a status begin to be trouble.
 *
 * @param maxAgeMs how long an entry may wait; half of it is a warning
 */
export function thresholds(maxAgeMs: number, { maxBytes }: Pick<Status, "maxBytes">): Readonly<
  Record<Judged, Threshold>
> {
  return {
    oldestSeconds: { warning: maxAgeMs / 2000, critical: maxAgeMs / 1000 },
    // Nothing goes out until somebody mends it, and no time makes it better.
    held: { critical: 0 },
    // From here on a notification of the largest size is refused.
    bytes: { warning: Math.floor(NEARLY_FULL_BYTES), critical: maxBytes - MAX_LINE_BYTES },
    // Somebody did not get them; they wait for a decision.
    dead: { warning: 0 },
    quarantined: { warning: 0 },
  };
}

/** Judges a status by {@linkcode thresholds}. */
export function healthOf(status: Status, maxAgeMs: number): Health {
  const limits = thresholds(maxAgeMs, status);
  const judged = PROBLEMS.map(([name, describe]) => ({
    state: stateOf(status[name], limits[name]),
    text: describe(status),
  }));
  const problemsOf = (state: HealthState) => judged.filter((one) => one.state === state).map(({ text }) => text);
  const critical = problemsOf("critical"), warning = problemsOf("warning");
  return {
    state: critical.length > 0 ? "critical" : warning.length > 0 ? "warning" : "ok",
    problems: [...critical, ...warning],
  };
}

/** What is wrong when a number is. */
const PROBLEMS: readonly (readonly [Judged, (status: Status) => string])[] = [
  ["held", ({ held }) => `${held} held until an account or its token is mended`],
  ["oldestSeconds", ({ oldestSeconds, waitingFor }) => {
    const reason = waitingFor === undefined ? "" : ` (${waitingFor})`;
    return `the oldest has waited for ${formatDuration(oldestSeconds * 1000)}${reason}`;
  }],
  ["bytes", ({ bytes, maxBytes }) => `the queue is ${(100 * bytes / maxBytes).toFixed(0)} % full`],
  ["dead", ({ dead }) => `${dead} ${dead === 1 ? "dead letter" : "dead letters"}`],
  ["quarantined", ({ quarantined }) => `${quarantined} damaged ${quarantined === 1 ? "line" : "lines"} in quarantine`],
];

function stateOf(value: number, { warning = Infinity, critical = Infinity }: Threshold): HealthState {
  return value > critical ? "critical" : value > warning ? "warning" : "ok";
}
