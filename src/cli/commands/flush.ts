/** `flush`: tries to deliver all queued notifications now. */

import type { Outcome, PendingOutcome } from "../../notifier/outcomes.ts";
import { type Command, type ContextFor, defineCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { EXIT } from "../exit_codes.ts";
import { DELIVERY_OPTIONS, JSON_OPTION } from "../options.ts";
import { formatReason, isLeft, printOutcomesJson } from "../outcomes.ts";
import { printable } from "../../base/printable.ts";

const OPTIONS = [
  { name: "now", summary: "try each destination once, even if a server asked to wait" },
  {
    name: "timer",
    summary: "for a systemd timer or a crontab: respect the delays that a server asked for, and print only errors",
  },
  {
    name: "wait",
    value: "DURATION",
    summary:
      "if a server asked for a delay, flush waits for it up to this time (default 30s); an entry with a longer delay " +
      "stays in the queue",
  },
  JSON_OPTION,
  ...DELIVERY_OPTIONS,
] as const;

export const flush: Command = defineCommand({
  operands: "",
  options: OPTIONS,
  details: [
    "After a failed attempt, matrix-notify waits before the next attempt. flush skips this waiting time. If a " +
    "server has asked for a delay (rate limit), flush waits until the delay is over, but not longer than --wait. " +
    "With --now, flush skips this delay too.",
    "With --timer, flush skips the waiting time only if the network or the server failed. If the server answered " +
    "and refused the request, flush keeps the waiting time. So frequent calls do not repeat the request too often. " +
    "flush --timer starts no background process. It writes its results to deliverer.log in the state directory, and " +
    "exits with 0 even if some entries are still in the queue.",
    "Exit 0: the queue is empty. Exit 75: some entries are still in the queue; flush prints the reasons. Exit 78: " +
    "the configuration has a mistake; flush still delivers the entries of channels without mistakes.",
  ],
  examples: [
    "matrix-notify flush",
    "matrix-notify flush --wait 5m",
    "matrix-notify flush --now",
    "matrix-notify flush --timer",
  ],
  run,
});

async function run(context: ContextFor<typeof OPTIONS>): Promise<number> {
  const { args, runtime, ui } = context;
  if (args.has("now") && args.has("timer")) {
    throw new UsageError(
      "Cannot use --now with --timer: a timer must wait as long as servers require",
      "remove --now",
    );
  }
  if (args.has("timer")) return await runForTimer(context);
  const { openNotifier } = await import("../notifier.ts");
  await using notifier = await openNotifier(context);
  const outcomes = await notifier.flush({
    waitMs: args.durationMs("wait"),
    reach: args.has("now") ? "all" : "backoff",
  });
  const left = outcomes.filter(isLeft);
  if (args.has("json")) {
    printOutcomesJson(outcomes, ui);
  } else {
    ui.data(summarize(outcomes, left.length));
    const { formatTarget } = await import("../plan.ts");
    const formatLeft = (outcome: PendingOutcome) =>
      `${outcome.state} for ${printable(formatTarget(outcome, notifier))}${formatReason(outcome, runtime.now())}`;
    for (const [line, entries] of Map.groupBy(left, formatLeft)) ui.data(`  ${entries.length} ${line}`);
  }
  if (notifier.problems.length > 0) return EXIT.config;
  return left.length === 0 ? EXIT.ok : EXIT.tempFail;
}

async function runForTimer(context: ContextFor<typeof OPTIONS>): Promise<number> {
  const { openForTimer } = await import("../notifier.ts");
  await using notifier = await openForTimer(context);
  await notifier.flush({ waitMs: context.args.durationMs("wait"), reach: "outage" });
  return notifier.problems.length > 0 ? EXIT.config : EXIT.ok;
}

function summarize(outcomes: readonly Outcome[], left: number): string {
  if (outcomes.length === 0) return "the queue is empty";
  const count = (state: Outcome["state"]) => outcomes.filter((outcome) => outcome.state === state).length;
  const lost = (["dead", "dropped"] as const).filter((state) => count(state) > 0);
  return [`${count("delivered")} delivered`, ...lost.map((state) => `${count(state)} ${state}`), `${left} still queued`]
    .join(", ");
}
