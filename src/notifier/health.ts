/**
 * Judges the queue for a monitoring system. Only conditions that a person can fix are problems.
 * Half-written journal lines do not count, because their senders got no confirmation. Possible
 * duplicates do not count, because they cannot be undone.
 *
 * @module
 */

import { formatCount } from "../base/count.ts";
import { formatDuration } from "../base/duration.ts";
import { NEARLY_FULL_BYTES } from "../queue/limits.ts";
import { MAX_LINE_BYTES } from "../queue/journal_line.ts";
import type { Status } from "./status.ts";

/**
 * The state of the queue. `warning`: look at the queue today. `critical`: look at the queue now.
 */
export type HealthState = "ok" | "warning" | "critical";

/** The state of the queue and its problems. */
export interface Health {
  /** The state of the worst problem. */
  readonly state: HealthState;
  /** The problems, sorted: critical problems first. */
  readonly problems: readonly string[];
}

/**
 * The limits of a number in a status. A value above `warning` causes a warning. A value above
 * `critical` causes a critical problem.
 */
export interface Threshold {
  readonly warning?: number;
  readonly critical?: number;
}

/** The numbers of a status that have thresholds. */
export type JudgedNumber = "oldestSeconds" | "held" | "bytes" | "dead" | "quarantined";

/**
 * Returns the threshold of each number in a status.
 *
 * @param maxAgeMs the longest acceptable waiting time of an entry, in milliseconds; an entry that
 * waits for more than half of this time causes a warning
 * @param status a status that contains the maximum size of the queue
 */
export function createThresholds(
  maxAgeMs: number,
  { maxBytes }: Pick<Status, "maxBytes">,
): Readonly<Record<JudgedNumber, Threshold>> {
  return {
    oldestSeconds: { warning: maxAgeMs / 2000, critical: maxAgeMs / 1000 },
    // A held entry waits until a person fixes its channel. Therefore a single held entry is
    // critical.
    held: { critical: 0 },
    // Above the critical limit, the queue has no space for a notification of the maximum size.
    bytes: { warning: Math.floor(NEARLY_FULL_BYTES), critical: maxBytes - MAX_LINE_BYTES },
    dead: { warning: 0 },
    quarantined: { warning: 0 },
  };
}

/** A problem that the numbers of a status do not show. */
export interface OtherProblem {
  readonly state: Exclude<HealthState, "ok">;
  readonly text: string;
}

/**
 * Compares a status with the limits of {@linkcode createThresholds}.
 *
 * @param others further problems, such as a full disk; they come first. @default none
 */
export function judgeHealth(status: Status, maxAgeMs: number, others: readonly OtherProblem[] = []): Health {
  const limits = createThresholds(maxAgeMs, status);
  const judged = [
    ...others,
    ...PROBLEMS.map(([name, describe]) => ({ state: compare(status[name], limits[name]), text: describe(status) })),
  ];
  const findProblems = (state: HealthState) => judged.filter((one) => one.state === state).map(({ text }) => text);
  const critical = findProblems("critical"), warning = findProblems("warning");
  return {
    state: critical.length > 0 ? "critical" : warning.length > 0 ? "warning" : "ok",
    problems: [...critical, ...warning],
  };
}

const PROBLEMS: readonly (readonly [JudgedNumber, (status: Status) => string])[] = [
  ["held", ({ held }) => `${formatCount(held, "held entry", "held entries")}: fix the account or its token`],
  ["oldestSeconds", ({ oldestSeconds, waitingFor }) => {
    const reason = waitingFor === undefined ? "" : ` (${waitingFor})`;
    return `the oldest entry has waited for ${formatDuration(oldestSeconds * 1000)}${reason}`;
  }],
  ["bytes", ({ bytes, maxBytes }) => `the queue is ${(100 * bytes / maxBytes).toFixed(0)} % full`],
  ["dead", ({ dead }) => formatCount(dead, "dead letter")],
  ["quarantined", ({ quarantined }) => `${formatCount(quarantined, "damaged line")} in quarantine`],
];

function compare(value: number, { warning = Infinity, critical = Infinity }: Threshold): HealthState {
  return value > critical ? "critical" : value > warning ? "warning" : "ok";
}
