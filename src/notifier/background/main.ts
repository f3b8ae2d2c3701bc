/**
 * The main function of the background deliverer. It delivers until the queue is empty and logs to
 * `deliverer.log` in the state directory.
 *
 * @module
 */

import { appendLog } from "../../runtime/files.ts";
import { denoRuntime } from "../../runtime/runtime.ts";
import { NotifierCore } from "../core.ts";
import type { Outcome } from "../outcomes.ts";
import { parseDelivererOptions } from "./spawn.ts";

const END_TEXTS = {
  "empty": "the queue is empty",
  "handed-over": "a flush takes over, because it may know a token that works",
} as const;

/**
 * Runs the deliverer.
 *
 * @param options the options as `delivererCommand()` wrote them
 * @returns the exit code: 0, or 70 if it failed
 */
export async function runDeliverer(options: string): Promise<number> {
  using runtime = denoRuntime();
  const signal = createStopSignal();
  const parsed = parseDelivererOptions(options);
  const log = (text: string) => appendLog(`${parsed.stateDir}/deliverer.log`, text, runtime.now());
  try {
    await using notifier = await NotifierCore.open({
      ...parsed,
      runtime,
      role: "deliverer",
      onWarning: log,
      onAttempt: (outcome) => log(describeOutcome(outcome)),
    });
    const end = await notifier.deliverUntilEmpty(signal, () => log(`started, pid ${Deno.pid}`));
    if (end !== "second") log(`ended: ${END_TEXTS[end]}`);
    return 0;
  } catch (error) {
    log(`ended: ${error instanceof Error ? error.message : String(error)}`);
    return 70;
  }
}

/**
 * Creates a signal that SIGTERM and SIGINT abort. SIGHUP is ignored, because the shell that started
 * the parent may end. The next deliverer repeats an attempt that was under way.
 */
function createStopSignal(): AbortSignal {
  const controller = new AbortController();
  Deno.addSignalListener("SIGHUP", () => {});
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    Deno.addSignalListener(signal, () => controller.abort(new Error(`stopped by ${signal}`)));
  }
  return controller.signal;
}

function describeOutcome(outcome: Outcome): string {
  const { state, id, channel, destination } = outcome;
  const start = `${state} ${id} to ${channel} ${destination}`;
  if (outcome.state === "delivered") return `${start}: ${outcome.receipt}`;
  const next = "next" in outcome ? outcome.next : undefined;
  return `${start}${next === undefined ? "" : ` until ${new Date(next).toISOString()}`}: ${outcome.reason}`;
}
