/**
 * The program in one file. Its hundred and fifty modules are most of what a start of it costs, and
 * of what strace has to look at; what it does to the queue is the same. The entry is this module,
 * so that it needs nothing beside it.
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
 * @returns why it could not be bundled; then the modules are run as they are, which only takes
 * longer
 */
export async function useOneFile(directory: string): Promise<string | undefined> {
  const path = `${directory}/program.js`;
  const entry = new URL(import.meta.url).pathname;
  const args = ["bundle", "--quiet", ...inheritedConfig(), "--output", path, entry];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args, stdout: "null", stderr: "piped" })
    .output();
  if (!success) return new TextDecoder().decode(stderr).trim();
  Deno.env.set(PROGRAM_ENV, path);
}

/** What `mod.ts` does when it is the program. */
function run([word, options]: readonly string[]): Promise<number> {
  return word === DELIVERER_COMMAND ? runDeliverer(options) : runCommandLine(Deno.args);
}

if (import.meta.main) Deno.exit(await run(Deno.args));
