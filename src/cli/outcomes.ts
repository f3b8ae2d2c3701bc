/** Outcomes: in a line each, what is wrong with them, and the exit code that they make. */

import { formatDuration } from "../base/duration.ts";
import type { Outcome } from "../notifier/outcomes.ts";
import { EXIT } from "./exit_codes.ts";
import { printable, type Ui } from "./ui.ts";

/** One line for people: `delivered $event_id`, `queued <id>: <why>; next try at 20:15:07 (in 2 s)`. */
export function outcomeLine(outcome: Outcome, now: number, ui: Ui): string {
  if (outcome.state === "delivered") return `${ui.paint("delivered", "green")} ${printable(outcome.receipt)}`;
  const { state, id, reason } = outcome;
  if (state === "muted") return `${ui.paint("muted", "yellow")}: ${printable(outcome.reason)}`;
  const why = reason === undefined ? "" : `: ${printable(reason)}`;
  const next = state === "queued" || state === "held" ? outcome.next : undefined;
  const when = next === undefined || next <= now ? "" : `; next try ${at(next, now)}`;
  return `${ui.paint(state, state === "queued" ? "yellow" : "red")} ${id}${why}${when}`;
}

/** Whose outcome it is, where there are several: its channel's, and its destination's where the channel has several. */
export function ownerOf({ channel, destination, file }: Outcome, outcomes: readonly Outcome[]): string {
  if (outcomes.length === 1) return "";
  const isOnly = outcomes.every((other) => other.channel !== channel || other.destination === destination);
  const where = isOnly ? channel : `${channel} ${printable(destination)}`;
  return file === undefined ? `${where}: ` : `${where} 📎 ${printable(file)}: `;
}

/** `at 20:15:07 (in 2 s)`. */
export function at(time: number, now: number): string {
  const date = new Date(time);
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map((n) => String(n).padStart(2, "0")).join(
    ":",
  );
  return `at ${clock} (in ${formatDuration(time - now)})`;
}

/** What somebody must see to, on standard error. */
export function reportTrouble(outcomes: readonly Outcome[], ui: Ui): void {
  for (const outcome of outcomes) {
    if (outcome.state === "delivered") continue;
    const { state, channel, reason, id } = outcome;
    if (state === "held") {
      ui.fail(
        `Channel ${channel} is held, nothing goes out by it: ${reason}`,
        "mend that, then run: matrix-notify flush",
      );
    }
    if (state === "refused") {
      ui.fail(
        `Channel ${channel} did not get it, and no disk keeps it: ${reason}`,
        `make room on the disk, then send it again with --channel ${channel}`,
      );
    }
    if (state === "dead") {
      ui.fail(`It lies with the dead letters: ${reason}`, `see: matrix-notify queue show ${id}`);
    }
  }
}

/** The exit code of what sends: not taken by all, refused for good by some, or well. */
export function exitCodeFor(outcomes: readonly Outcome[]): number {
  if (outcomes.some(({ state }) => state === "refused")) return EXIT.tempFail;
  return outcomes.some(({ state }) => state === "dead") ? EXIT.dataErr : EXIT.ok;
}
