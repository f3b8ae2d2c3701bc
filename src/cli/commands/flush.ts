/** `flush`: everything now. */

import type { Outcome } from "../../notifier/outcomes.ts";
import type { CommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { openNotifier } from "../notifier.ts";
import { outcomeLine } from "../outcomes.ts";

/** Tries everything, and tells what is left and why. */
export async function flush(context: CommandContext): Promise<number> {
  const { args, runtime, ui } = context;
  await using notifier = await openNotifier(context);
  const outcomes = await notifier.flush({ waitMs: args.durationMs("wait") });
  const left = outcomes.filter(({ state }) => state === "queued" || state === "held");
  if (args.has("json")) {
    for (const outcome of outcomes) ui.json(outcome);
  } else {
    ui.data(summary(outcomes, left.length));
    for (const outcome of left) ui.data(`  ${outcomeLine(outcome, runtime.now(), ui)}`);
  }
  return left.length === 0 ? EXIT.ok : EXIT.tempFail;
}

function summary(outcomes: readonly Outcome[], left: number): string {
  if (outcomes.length === 0) return "the queue is empty";
  const count = (state: Outcome["state"]) => outcomes.filter((outcome) => outcome.state === state).length;
  const dead = count("dead");
  return [`${count("delivered")} delivered`, ...(dead > 0 ? [`${dead} dead`] : []), `${left} left`].join(", ");
}
