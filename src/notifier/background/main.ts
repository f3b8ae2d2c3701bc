/**
 * The main function of the background deliverer. The deliverer runs until the queue is empty, and
 * logs to `deliverer.log` in the state directory.
 *
 * @module
 */

import { formatError } from "../../base/errors.ts";
import { formatTime } from "../../base/time.ts";
import { appendLog } from "../../runtime/files.ts";
import { denoRuntime } from "../../runtime/runtime.ts";
import { NotifierCore } from "../core.ts";
import { findConfigFiles } from "./permissions.ts";
import type { Outcome } from "../outcomes.ts";
import { type ConfigWatch, identify, watchConfig } from "./config_watch.ts";
import { parseDelivererOptions } from "./spawn.ts";

const END_TEXTS = {
  "empty": "the queue is empty",
  "handed-over": "a flush continues the delivery, because the flush may know a new token",
  "left": "the configuration has changed",
} as const;

/**
 * Runs the deliverer.
 *
 * @param options the options in the format of `delivererCommand()`
 * @returns the exit code: 0, or 70 if the deliverer failed
 */
export async function runDeliverer(options: string): Promise<number> {
  using runtime = denoRuntime();
  const signal = createStopSignal();
  const parsed = parseDelivererOptions(options);
  const log = (text: string) => appendLog(logPath(parsed.stateDir), text, runtime.now());
  const open = (onAttempt?: (outcome: Outcome) => void, onWarning?: (text: string) => void) =>
    NotifierCore.open({ ...parsed, runtime, role: "deliverer", onWarning, onAttempt });
  try {
    for (;;) {
      const opened = identify(findConfigFiles(runtime, parsed.configFile));
      await using notifier = await open((outcome) => logOutcome(parsed.stateDir, outcome, runtime.now()), log);
      for (const problem of notifier.problems) log(formatError(problem));
      using watch = startWatch({ runtime, notifier, opened, lacks: parsed.lacks ?? [], open, log });
      const onStart = () => log(`started, pid ${Deno.pid}`);
      const end = await notifier.deliverUntilEmpty(signal, { leave: watch.leave, onStart });
      const change = end === "left" ? await watch.change : undefined;
      if (change?.kind === "reload") {
        log("the configuration has changed");
        continue;
      }
      if (end !== "second") log(`ended: ${change === undefined ? END_TEXTS[end] : describeLack(change.flags)}`);
      return 0;
    }
  } catch (error) {
    log(`ended: ${error instanceof Error ? error.message : String(error)}`);
    return 70;
  }
}

/** Starts the watch of the configuration. Disposing of the result ends the watch. */
function startWatch(options: Omit<ConfigWatch, "signal">) {
  const [end, leave] = [new AbortController(), new AbortController()];
  const change = watchConfig({ ...options, signal: end.signal }).then((change) => {
    if (change !== undefined) leave.abort();
    return change;
  }).catch((error) => {
    options.log(`changes of the configuration are not noticed: ${error instanceof Error ? error.message : error}`);
    return undefined;
  });
  return { leave: leave.signal, change, [Symbol.dispose]: () => end.abort() };
}

function describeLack(flags: string): string {
  return `the configuration needs ${flags}, which this process does not have; the next send, flush or run of the timer ` +
    "starts a process with these permissions";
}

/** Writes the outcome of an attempt to the log of the deliverer. */
export function logOutcome(stateDir: string, outcome: Outcome, now: number): void {
  appendLog(logPath(stateDir), describeOutcome(outcome), now);
}

function logPath(stateDir: string): string {
  return `${stateDir}/deliverer.log`;
}

/**
 * Creates an abort signal that aborts on SIGTERM and SIGINT. The next deliverer repeats an
 * interrupted attempt. SIGHUP is ignored, because the deliverer must continue after the shell of
 * its parent process has ended.
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
  return `${start}${next === undefined ? "" : ` until ${formatTime(next)}`}: ${outcome.reason}`;
}
