/**
 * The Python that runs servers for tests: finds one that is new enough, and runs it.
 *
 * @module
 */

import { run, tail } from "../std/command.ts";

/** The oldest Python 3 that the pinned Synapse supports, as its package says. */
const OLDEST_MINOR = 10;

/** The newest minor version whose own name (`python3.14`) is tried. */
const NEWEST_MINOR = 14;

/** A Python interpreter that can create virtual environments. */
export interface Python {
  /** The command that starts it: a name on the PATH, or a path. */
  readonly command: string;
  /** Its version without the patch number: `3.11`. */
  readonly version: string;
}

/** An environment with pip needs these two modules; Debian has them in a package of their own. */
const PROBE = "import sys, venv, ensurepip; print(*sys.version_info[:2], sep='.')";

/**
 * Finds a Python: the one that `SYNAPSE_PYTHON` names, else `python3`, else the newest of
 * `python3.14` to `python3.10`.
 *
 * @throws {Error} if none is new enough and has `venv` and `pip`; the message says what each lacks
 */
export async function findPython(): Promise<Python> {
  const faults: string[] = [];
  for (const command of candidates()) {
    const answer = await probe(command);
    if (typeof answer !== "string") return answer;
    if (answer !== "") faults.push(`${command} ${answer}`);
  }
  const state = faults.length > 0 ? faults.join("; ") : "none is installed";
  throw new Error(`Cannot find Python 3.${OLDEST_MINOR} or newer with venv and pip: ${state}`);
}

function candidates(): string[] {
  const named = Deno.env.get("SYNAPSE_PYTHON");
  if (named) return [named];
  const names = ["python3"];
  for (let minor = NEWEST_MINOR; minor >= OLDEST_MINOR; minor--) names.push(`python3.${minor}`);
  return names;
}

/**
 * Checks a command. Returns its Python, or what is wrong with it, or an empty string if there is no
 * such command.
 */
async function probe(command: string): Promise<Python | string> {
  const { success, stdout, stderr } = await run(command, ["-I", "-c", PROBE]);
  if (!success) return tail(stderr, 1);
  const version = stdout.trim();
  const [major, minor] = version.split(".").map(Number);
  return major === 3 && minor >= OLDEST_MINOR ? { command, version } : `is version ${version}`;
}
