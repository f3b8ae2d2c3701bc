/** A person at a terminal: our command line as a real process in a pseudo-terminal, which only Python can make without a library of its own. */

import { inheritedConfig } from "../../scripts/std/argv.ts";
import { findPython } from "../../scripts/python/python.ts";

const ENTRY = new URL("../../mod.ts", import.meta.url).pathname;
const PLAYER = new URL("./terminal.py", import.meta.url).pathname;

/** No play takes longer, in seconds. */
const LIMIT_SECONDS = 60;

/** What a person waits for, and types then. `\x03` is Ctrl-C, `\x04` Ctrl-D. */
export type Step = readonly [see: RegExp, type: string];

/** How a play went. */
export interface Played {
  /** The exit code; the negative number of the signal that ended it. */
  readonly code: number;
  /** The screen, as it was written, without carriage returns. */
  readonly screen: string;
  /** The command lines of all processes of the host, before each answer. */
  readonly processes: string;
}

/**
 * Plays a command, with an environment of nothing but the given variables.
 *
 * @throws {Error} when what a step waits for does not come; the message ends with the screen
 */
export async function playAtTerminal(
  args: readonly string[],
  { env, steps }: { readonly env: Readonly<Record<string, string>>; readonly steps: readonly Step[] },
): Promise<Played> {
  const python = await findPython();
  // Who may not ask for the user id is not root, who has no home.
  const flags = ["net", "read", "write", "env", "run", "sys=hostname"].map((name) => `--allow-${name}`);
  const command = [Deno.execPath(), "run", "--quiet", "--no-prompt", ...flags, ...inheritedConfig(), ENTRY, ...args];
  const play = {
    command,
    env: { ...env, ...denoDir(), TERM: "dumb", NO_COLOR: "1" },
    steps: steps.map(([see, type]) => ({ see: see.source, type })),
    limit: LIMIT_SECONDS,
  };
  const child = new Deno.Command(python.command, { args: ["-I", PLAYER], stdin: "piped", stdout: "piped" }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(play)));
  await writer.close();
  const { stdout } = await child.output();
  const { code, output, processes, missing } = JSON.parse(new TextDecoder().decode(stdout));
  if (missing !== null) throw new Error(`Cannot go on at the terminal: ${missing} does not come\n${output}`);
  // Deno's own, where several processes of it begin at once.
  const screen = String(output).replaceAll(/^Failed to open cache file .*\n/gm, "");
  return { code, screen, processes };
}

/** With another home it would compile everything anew. */
function denoDir(): Record<string, string> {
  const dir = Deno.env.get("DENO_DIR") ?? `${Deno.env.get("XDG_CACHE_HOME") || `${Deno.env.get("HOME")}/.cache`}/deno`;
  return { DENO_DIR: dir };
}
