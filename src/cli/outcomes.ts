/** Outcomes and plans as lines for people, and the exit code of a send. */

import { formatDuration } from "../base/duration.ts";
import type { NotifierCore } from "../notifier/core.ts";
import type { Outcome } from "../notifier/outcomes.ts";
import { EXIT } from "./exit_codes.ts";
import { toOutcomeJson } from "./json.ts";
import { printable, type Ui } from "./ui.ts";

/** Where a notification would go. */
export type Plan = ReturnType<NotifierCore["plan"]>;

/** `phone alerts, if matrix #alerts:example.org has not delivered within 10 min` */
export function formatFallback({ envelope, primaries }: Plan["fallbacks"][number]): string {
  const reasons = primaries.map(({ envelope: { channel, destination }, afterMs }) =>
    `${channel} ${destination} has not delivered within ${formatDuration(afterMs)}`
  );
  return `${envelope.channel} ${envelope.destination}, if ${reasons.join(", or ")}`;
}

/** `delivered $event_id`, `queued <id>: <reason>; next try at 20:15:07 (in 2 s)` */
export function formatOutcome(outcome: Outcome, now: number, ui: Ui): string {
  if (outcome.state === "delivered") return `${ui.paint("delivered", "green")} ${printable(outcome.receipt)}`;
  const { state, id, reason } = outcome;
  if (state === "muted") return `${ui.paint("muted", "yellow")}: ${printable(outcome.reason)}`;
  const why = reason === undefined ? "" : `: ${printable(reason)}`;
  const next = state === "queued" || state === "held" ? outcome.next : undefined;
  const when = next === undefined || next <= now ? "" : `; next try ${formatWhen(next, now)}`;
  return `${ui.paint(state, state === "queued" ? "yellow" : "red")} ${id}${why}${when}`;
}

/**
 * Formats the beginning of an outcome's line if there are several: its channel, and its destination
 * if the channel has several.
 */
export function formatOutcomePrefix({ channel, destination, file }: Outcome, outcomes: readonly Outcome[]): string {
  if (outcomes.length === 1) return "";
  const isOnly = outcomes.every((other) => other.channel !== channel || other.destination === destination);
  const where = isOnly ? channel : `${channel} ${printable(destination)}`;
  return file === undefined ? `${where}: ` : `${where} 📎 ${printable(file)}: `;
}

/** `at 20:15:07 (in 2 s)` */
export function formatWhen(time: number, now: number): string {
  const date = new Date(time);
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map((n) => String(n).padStart(2, "0"));
  return `at ${clock.join(":")} (in ${formatDuration(time - now)})`;
}

/** Prints the outcomes for programs. */
export function printOutcomesJson(outcomes: readonly Outcome[], ui: Ui): void {
  for (const outcome of outcomes) ui.json(toOutcomeJson(outcome));
}

/** Reports on standard error what a person must fix. */
export function reportTrouble(outcomes: readonly Outcome[], ui: Ui): void {
  for (const outcome of outcomes) {
    if (outcome.state === "delivered") continue;
    const { state, channel, reason, id } = outcome;
    if (state === "held") {
      ui.fail(
        `Channel ${channel} is held and delivers nothing: ${reason}`,
        "fix that, then run: matrix-notify flush",
      );
    }
    if (state === "refused") {
      ui.fail(
        `Channel ${channel} did not deliver it, and it is not on disk: ${reason}`,
        `make room on the disk, then send it again with --channel ${channel}`,
      );
    }
    if (state === "dead") {
      ui.fail(`It is a dead letter: ${reason}`, `see: matrix-notify queue show ${id}`);
    }
  }
}

/** The exit code of a send: 75 if a channel could not take it, 65 if one rejected it, else 0. */
export function exitCodeForOutcomes(outcomes: readonly Outcome[]): number {
  if (outcomes.some(({ state }) => state === "refused")) return EXIT.tempFail;
  return outcomes.some(({ state }) => state === "dead") ? EXIT.dataErr : EXIT.ok;
}
