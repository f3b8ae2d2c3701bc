/** Outcomes, in a line each. */

import { formatDuration } from "../duration.ts";
import type { Outcome } from "../report.ts";
import { printable, type Ui } from "./ui.ts";

/** One line for people: `delivered $event_id`, `queued <id>: <why>; next try at 20:15:07 (in 2 s)`. */
export function outcomeLine(outcome: Outcome, now: number, ui: Ui): string {
  const { state, id, receipt, reason, next } = outcome;
  if (state === "delivered") return `${ui.paint("delivered", "green")} ${printable(receipt ?? "")}`;
  const why = reason === undefined ? "" : `: ${printable(reason)}`;
  const when = state === "dead" || next === undefined || next <= now ? "" : `; next try ${at(next, now)}`;
  return `${ui.paint(state, state === "queued" ? "yellow" : "red")} ${id}${why}${when}`;
}

/** `at 20:15:07 (in 2 s)`. */
export function at(time: number, now: number): string {
  const date = new Date(time);
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map((n) => String(n).padStart(2, "0")).join(
    ":",
  );
  return `at ${clock} (in ${formatDuration(time - now)})`;
}
