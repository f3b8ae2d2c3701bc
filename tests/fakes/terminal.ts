/**
 * Runs our command line in a pseudo-terminal and types input. Python creates the pseudo-terminal;
 * Deno cannot.
 */

import { inheritedConfig } from "../../scripts/std/argv.ts";
import { findPython } from "../../scripts/python/python.ts";
import { denoCache } from "./deno_cache.ts";

const ENTRY = new URL("../../mod.ts", import.meta.url).pathname;
const SCRIPT = new URL("./terminal.py", import.meta.url).pathname;

/** The process is killed after this time. */
const LIMIT_SECONDS = 60;

/** Closes the terminal instead of typing, as the end of a connection does. */
export const HANG_UP = "\0hang up";

/** Waits for a text on the screen, then types. `\x03` is Ctrl-C, `\x04` is Ctrl-D. */
export type Step = readonly [see: RegExp, type: string];

/** The result of a run. */
export interface TerminalResult {
  /** The exit code, or the negative number of the signal that ended the process. */
  readonly code: number;
  /** All output, without carriage returns. */
  readonly screen: string;
  /** The command lines of all processes of the host, collected before each input. */
  readonly processes: string;
}

/**
 * Runs a command with no other environment than the given variables.
 *
 * @throws {Error} if the text of a step does not appear; the message ends with the screen
 */
export async function playAtTerminal(
  args: readonly string[],
  { env, steps }: { readonly env: Readonly<Record<string, string>>; readonly steps: readonly Step[] },
): Promise<TerminalResult> {
  const python = await findPython();
  // Without the permission to read the user id the program does not know that it runs as root, and
  // uses HOME.
  const flags = ["net", "read", "write", "env", "run", "sys=hostname"].map((name) => `--allow-${name}`);
  const command = [Deno.execPath(), "run", "--quiet", "--no-prompt", ...flags, ...inheritedConfig(), ENTRY, ...args];
  const input = {
    command,
    env: { ...env, DENO_DIR: denoCache(), TERM: "dumb", NO_COLOR: "1" },
    steps: steps.map(([see, type]) => ({ see: see.source, type })),
    limit: LIMIT_SECONDS,
  };
  const child = new Deno.Command(python.command, { args: ["-I", SCRIPT], stdin: "piped", stdout: "piped" }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(input)));
  await writer.close();
  const { stdout } = await child.output();
  const { code, output, processes, missing } = JSON.parse(new TextDecoder().decode(stdout));
  if (missing !== null) throw new Error(`Cannot continue at the terminal: ${missing} did not appear\n${output}`);
  // Deno prints this if several of its processes start at once.
  const screen = String(output).replaceAll(/^Failed to open cache file .*\n/gm, "");
  return { code, screen, processes };
}
