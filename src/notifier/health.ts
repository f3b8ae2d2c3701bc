/**
 * Judges the queue for a monitoring system. Only conditions that a person can change are problems.
 * Torn lines were never acknowledged and a possible duplicate cannot be undone, so neither raises
 * an alarm.
 *
 * @module
 */

import { formatDuration } from "../base/duration.ts";
import { NEARLY_FULL_BYTES } from "../queue/limits.ts";
import { MAX_LINE_BYTES } from "../queue/journal_line.ts";
import type { Status } from "./status.ts";

/** `warning`: look at it today. `critical`: look at it now. */
export type HealthState = "ok" | "warning" | "critical";

/** The state of the queue and its problems. */
export interface Health {
  /** The state of the worst problem. */
  readonly state: HealthState;
  /** The problems, critical ones first. */
  readonly problems: readonly string[];
}

/** A number above `warning` is a warning; above `critical` it is critical. */
export interface Threshold {
  readonly warning?: number;
  readonly critical?: number;
}

/** The numbers of a status that have thresholds. */
export type JudgedNumber = "oldestSeconds" | "held" | "bytes" | "dead" | "quarantined";

/**
 * Returns the thresholds.
 *
 * @param maxAgeMs how long an entry may wait, milliseconds; half of it is a warning
 * @param status the status to judge
 */
export function createThresholds(
  maxAgeMs: number,
  { maxBytes }: Pick<Status, "maxBytes">,
): Readonly<Record<JudgedNumber, Threshold>> {
  return {
    oldestSeconds: { warning: maxAgeMs / 2000, critical: maxAgeMs / 1000 },
    // A held entry waits until a person fixes its channel. Time does not help.
    held: { critical: 0 },
    // Above this a notification of the largest size is refused.
    bytes: { warning: Math.floor(NEARLY_FULL_BYTES), critical: maxBytes - MAX_LINE_BYTES },
    dead: { warning: 0 },
    quarantined: { warning: 0 },
  };
}

/** Judges a status by {@linkcode createThresholds}. */
export function judgeHealth(status: Status, maxAgeMs: number): Health {
  const limits = createThresholds(maxAgeMs, status);
  const judged = PROBLEMS.map(([name, describe]) => ({
    state: compare(status[name], limits[name]),
    text: describe(status),
  }));
  const findProblems = (state: HealthState) => judged.filter((one) => one.state === state).map(({ text }) => text);
  const critical = findProblems("critical"), warning = findProblems("warning");
  return {
    state: critical.length > 0 ? "critical" : warning.length > 0 ? "warning" : "ok",
    problems: [...critical, ...warning],
  };
}

const PROBLEMS: readonly (readonly [JudgedNumber, (status: Status) => string])[] = [
  ["held", ({ held }) => `${held} held until an account or its token is fixed`],
  ["oldestSeconds", ({ oldestSeconds, waitingFor }) => {
    const reason = waitingFor === undefined ? "" : ` (${waitingFor})`;
    return `the oldest has waited for ${formatDuration(oldestSeconds * 1000)}${reason}`;
  }],
  ["bytes", ({ bytes, maxBytes }) => `the queue is ${(100 * bytes / maxBytes).toFixed(0)} % full`],
  ["dead", ({ dead }) => `${dead} ${dead === 1 ? "dead letter" : "dead letters"}`],
  ["quarantined", ({ quarantined }) => `${quarantined} damaged ${quarantined === 1 ? "line" : "lines"} in quarantine`],
];

function compare(value: number, { warning = Infinity, critical = Infinity }: Threshold): HealthState {
  return value > critical ? "critical" : value > warning ? "warning" : "ok";
}
