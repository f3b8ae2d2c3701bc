/** What a process leaves behind that did not deliver everything: a name on the disk that lasts, and somebody who goes on. */

import { type BackgroundMode, type DelivererOptions, startDeliverer } from "./spawn.ts";
import { CONFIG_VARIABLES } from "../../config/load.ts";
import { StorageError } from "../../base/errors.ts";
import type { Queue } from "../../queue/queue.ts";
import type { Runtime } from "../../runtime/runtime.ts";

/** Who goes on, and with what. */
export interface HandOverOptions {
  readonly mode: BackgroundMode;
  readonly deliverer: DelivererOptions;
  /** Whether a channel starts programs. */
  readonly runsSubprocesses: boolean;
  readonly runtime: Pick<Runtime, "env">;
}

/**
 * Sees to what is left. Its name survives whatever happened to it just before, and where it may be, a deliverer is started, unless there is one.
 *
 * @returns what could not be done, for people; undefined when all is well
 */
export function handOver(
  queue: Queue,
  { mode, deliverer, runsSubprocesses, runtime }: HandOverOptions,
): string | undefined {
  try {
    queue.syncName();
    if (mode === "no" || mode === "here" || !queue.needsBackground()) return undefined;
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return error.message;
  }
  // A deliverer sees the variables that this process saw.
  const env = Object.fromEntries(CONFIG_VARIABLES.map((name) => [name, runtime.env(name) ?? ""]));
  const problem = startDeliverer(mode, deliverer, { env, runsSubprocesses });
  return problem === undefined ? undefined : `Cannot start the background deliverer: ${problem}`;
}
