/**
 * The background deliverer's own main: delivers until the queue is empty, and writes what it does to `deliverer.log` in the state directory.
 *
 * @module
 */

import { parseDelivererOptions } from "./spawn.ts";
import { appendLog } from "../../runtime/log_file.ts";
import { Notifier } from "../notifier.ts";
import type { Outcome } from "../outcomes.ts";
import { denoRuntime } from "../../runtime/runtime.ts";

const ENDINGS = {
  "empty": "the queue is empty",
  "handed-over": "a flush takes over, for it may know what is held here",
} as const;

/**
 * Runs the deliverer.
 *
 * @param word what `background.ts` made of its options
 * @returns the exit code: 0, or 70 when it could not do its work
 */
export async function runDeliverer(word: string): Promise<number> {
  using runtime = denoRuntime();
  const stop = stopSignal();
  const options = parseDelivererOptions(word);
  const log = (text: string) => appendLog(`${options.stateDir}/deliverer.log`, text, runtime.now());
  try {
    await using notifier = await Notifier.open({
      ...options,
      runtime,
      background: "here",
      onWarning: log,
      onAttempt: (outcome) => log(describe(outcome)),
    });
    const end = await notifier.deliverAll(stop, () => log(`started, pid ${Deno.pid}`));
    if (end !== "second") log(`ended: ${ENDINGS[end]}`);
    return 0;
  } catch (error) {
    log(`ended: ${error instanceof Error ? error.message : String(error)}`);
    return 70;
  }
}

/** The shell that started us may go; who really wants us to stop says SIGTERM. What was under way is then tried again by the next. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  Deno.addSignalListener("SIGHUP", () => {});
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    Deno.addSignalListener(signal, () => controller.abort(new Error(`stopped by ${signal}`)));
  }
  return controller.signal;
}

function describe({ id, channel, destination, state, receipt, reason, next }: Outcome): string {
  const when = next === undefined ? "" : ` until ${new Date(next).toISOString()}`;
  return `${state} ${id} to ${channel} ${destination}${when}: ${receipt ?? reason}`;
}
