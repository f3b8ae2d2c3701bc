/**
 * A status in the words of monitoring plug-ins: one line, `STATE - text | performance data`, as the Monitoring Plugins Development Guidelines ask for it and
 * Nagios, Icinga and their kin read it.
 *
 * @module
 */

import { formatDuration } from "../base/duration.ts";
import { type Health, type Judged, type Threshold, thresholds } from "../notifier/health.ts";
import type { Status } from "../notifier/status.ts";
import { printable } from "./ui.ts";

/** What a verdict is given with. */
export interface PluginContext {
  readonly now: number;
  /** How long an entry may wait, milliseconds. */
  readonly maxAgeMs: number;
}

/** The line for a status that was judged. */
export function pluginLine(status: Status, health: Health, { now, maxAgeMs }: PluginContext): string {
  const problems = health.problems.length > 0 ? health.problems : [summary(status, now)];
  return `${plainLine(health.state, problems.join("; "))} | ${performanceData(status, maxAgeMs)}`;
}

/** The line for what was thrown when there is nothing to judge. */
export function unknownLine(error: unknown): string {
  return plainLine("unknown", error instanceof Error ? error.message : String(error));
}

/** A bar would end the text: what stands behind it is performance data. */
function plainLine(state: string, text: string): string {
  return `${state.toUpperCase()} - ${printable(text).replaceAll("|", "/")}`;
}

function summary({ queued, deferred, oldestSeconds, lastDelivery }: Status, now: number): string {
  const waiting = queued + deferred;
  const age = oldestSeconds === 0 ? "" : `, the oldest for ${formatDuration(oldestSeconds * 1000)}`;
  const depth = waiting === 0 ? "nothing waits" : `${waiting} ${waiting === 1 ? "waits" : "wait"}${age}`;
  return `${depth}; ${lastDeliveryText(lastDelivery, now)}`;
}

function lastDeliveryText(lastDelivery: number | undefined, now: number): string {
  return lastDelivery === undefined
    ? "nothing was delivered yet"
    : `last delivery ${formatDuration(now - lastDelivery)} ago`;
}

/** `label=value[unit];warning;critical;least;most`, with what is unknown left out at the end. */
function performanceData(status: Status, maxAgeMs: number): string {
  const limits = thresholds(maxAgeMs, status);
  const item = (label: string, value: string, { warning, critical }: Threshold = {}, most?: number) =>
    `${label}=${value};${warning ?? ""};${critical ?? ""};0;${most ?? ""}`.replace(/;$/, "");
  const judged = (label: Judged) => item(label, String(status[label]), limits[label]);
  return [
    item("queued", String(status.queued)),
    item("deferred", String(status.deferred)),
    judged("held"),
    judged("dead"),
    item("oldest", `${status.oldestSeconds}s`, limits.oldestSeconds),
    item("bytes", `${status.bytes}B`, limits.bytes, status.maxBytes),
    judged("quarantined"),
    item("torn", String(status.torn)),
    `possible_duplicates=${status.possibleDuplicates}c`,
  ].join(" ");
}
