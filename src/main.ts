/**
 * The entry point of the program. The arguments decide whether the command line or the background
 * deliverer (which sends queued notifications later) runs. Only the code of the chosen part is
 * loaded.
 *
 * @module
 */

import { DELIVERER_COMMAND } from "./base/deliverer_command.ts";
import { PermissionError } from "./base/errors.ts";
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
  try {
    const { runCommandLine } = await loadLate<typeof import("./cli/main.ts")>("cli/main.ts");
    return await runCommandLine(args);
  } catch (error) {
    if (!(error instanceof PermissionError)) throw error;
    const message = error.message.replace(/^C/, "c");
    Deno.stderr.writeSync(new TextEncoder().encode(`matrix-notify: ${message}\n  hint: ${error.hint}\n`));
    return NO_PERMISSION;
  }
}

/** The exit code for a missing permission (`EX_NOPERM` in sysexits.h). */
const NO_PERMISSION = 77;

if (import.meta.main) Deno.exit(await main(Deno.args));
