/**
 * Starts the background deliverer in a service of systemd or in a container, where background
 * processes may end too early. In a service, the deliverer starts in a separate systemd scope, so
 * that it can continue after the service ends. In a container, and in a service that may not create
 * a scope, the deliverer starts without a scope. If no timer delivers the queue in this case, a
 * warning says how to deliver the queue later.
 *
 * @module
 */

import { type CleanProgram, startDetached } from "../../runtime/clean_command.ts";
import { absolutePath } from "../../runtime/paths.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { Surroundings } from "../../runtime/surroundings.ts";
import { startInScope } from "../../runtime/systemd.ts";
import { isFlushedByTimer } from "./timer_units.ts";

/** Where the caller runs, and where the queue is. */
interface Place {
  readonly surroundings: Exclude<Surroundings, { readonly kind: "host" }>;
  readonly stateDir: string;
  readonly runtime: Pick<Runtime, "env" | "isRoot">;
}

/**
 * Starts a deliverer.
 *
 * @returns a warning if the deliverer may end too early and no timer delivers the queue
 */
export async function startForUnit(
  program: CleanProgram,
  { surroundings, stateDir, runtime }: Place,
): Promise<string | undefined> {
  if (surroundings.kind === "unit" && await startInScope(program, runtime.isRoot() ? "system" : "user")) {
    return undefined;
  }
  startDetached(program);
  if (isFlushedByTimer(absolutePath(stateDir), runtime)) return undefined;
  return surroundings.kind === "container"
    ? "The background process ends with this container: to deliver queued notifications later, run " +
      "`matrix-notify flush --timer` every minute, for example in a crontab"
    : `The background process ends with ${surroundings.unit}: to deliver queued notifications later, ` +
      "run `matrix-notify service install` once";
}
