/**
 * Ends `send` and `sendmail` on signals such as SIGINT (Ctrl-C). Usually, the notification is on
 * disk before the signal arrives.
 *
 * ```text
 * first signal    cancel the attempt -> start the background process -> print the outcomes -> end
 * second signal   end
 * ```
 *
 * The signal itself ends the process, so that a shell also stops its loop.
 *
 * @module
 */

import type { CoreNotifyOptions } from "../notifier/core.ts";
import type { Runtime } from "../runtime/runtime.ts";

const SIGNALS: readonly Deno.Signal[] = ["SIGHUP", "SIGINT", "SIGTERM"];

/** The maximum time from a signal to the end of the command, in milliseconds. */
const GRACE_MS = 2_000;

/** How long this process waits until its own signal ends it, in milliseconds. */
const SIGNAL_MS = 1_000;

/**
 * Runs `work` and reports its result. After a signal, `work` must end early.
 *
 * @param work gets two abort signals: `leave` ends its wait, and `signal` cancels its attempt
 */
export async function endOnSignal<Result>(
  { sleep }: Pick<Runtime, "sleep">,
  work: (stop: Pick<CoreNotifyOptions, "leave" | "signal">) => Promise<Result>,
  report: (result: Result) => void,
): Promise<Result> {
  const stop = new AbortController();
  let received: (() => void) | undefined;
  const removers = SIGNALS.map((name) => {
    const listener = () => {
      if (received !== undefined) return end();
      received = () => endBySignal(name);
      stop.abort();
      void sleep(GRACE_MS).then(end);
    };
    try {
      Deno.addSignalListener(name, listener);
      return () => Deno.removeSignalListener(name, listener);
    } catch {
      // This system does not have the signal.
      return () => {};
    }
  });
  const end = () => {
    for (const remove of removers.splice(0)) remove();
    received?.();
  };
  try {
    const result = await work({ leave: stop.signal, signal: stop.signal });
    report(result);
    return result;
  } finally {
    end();
  }
}

/** Ends the process. If Deno has no permission to send a signal, the command ends as usual. */
function endBySignal(name: Deno.Signal): void {
  try {
    Deno.kill(Deno.pid, name);
    // The signal takes some time. Until then, this thread must not go on.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SIGNAL_MS);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
  }
}
