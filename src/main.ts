/**
 * The entry point of the program. The arguments decide whether the command line or the background
 * deliverer (which sends queued notifications later) runs. Only the code of the chosen part is
 * loaded.
 *
 * @module
 */

import { DELIVERER_COMMAND } from "./base/deliverer_command.ts";
import { loadLate } from "./base/late_modules.ts";
import { keepInspectorClosed } from "./runtime/runtime.ts";

/**
 * Runs the program.
 *
 * @param args the arguments, without the name of the program
 * @returns the exit code
 */
export async function main(args: readonly string[]): Promise<number> {
  keepInspectorClosed();
  if (args[0] === DELIVERER_COMMAND && args.length === 2) {
    const { runDeliverer } = await import("./notifier/background/main.ts");
    return await runDeliverer(args[1]);
  }
  const { runCommandLine } = await loadLate<typeof import("./cli/main.ts")>("cli/main.ts");
  return await runCommandLine(args);
}

if (import.meta.main) Deno.exit(await main(Deno.args));
