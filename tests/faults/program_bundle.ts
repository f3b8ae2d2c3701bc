/**
 * Bundles the program into one file. That makes starts faster, and strace has less to trace; the
 * calls on the queue are the same. The entry of the bundle is this module.
 *
 * @module
 */

import { inheritedConfig } from "../../scripts/std/argv.ts";
import { DELIVERER_COMMAND } from "../../src/base/deliverer_command.ts";
import { runCommandLine } from "../../src/cli/main.ts";
import { runDeliverer } from "../../src/notifier/background/main.ts";
import { PROGRAM_ENV } from "./process.ts";

/**
 * Bundles the program for all processes of a suite.
 *
 * @returns why it could not be bundled. Then the processes run the modules, which takes longer
 */
export async function bundleProgram(directory: string): Promise<string | undefined> {
  const path = `${directory}/program.js`;
  const entry = new URL(import.meta.url).pathname;
  const args = ["bundle", "--quiet", ...inheritedConfig(), "--output", path, entry];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args, stdout: "null", stderr: "piped" })
    .output();
  if (!success) return new TextDecoder().decode(stderr).trim();
  Deno.env.set(PROGRAM_ENV, path);
}

/** Starts the command line or the deliverer, like `src/main.ts`. */
function run([word, options]: readonly string[]): Promise<number> {
  return word === DELIVERER_COMMAND ? runDeliverer(options) : runCommandLine(Deno.args);
}

if (import.meta.main) Deno.exit(await run(Deno.args));
