/**
 * The Python that runs servers for tests: finds one that is new enough, and runs it.
 *
 * @module
 */

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

/** The result of a command. */
export interface Output {
  /** True for exit code 0. */
  readonly success: boolean;
  readonly stdout: string;
  readonly stderr: string;
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

/**
 * Runs a command to its end, without input. A command that does not exist counts as unsuccessful.
 */
export async function run(command: string, args: readonly string[]): Promise<Output> {
  try {
    const output = await new Deno.Command(command, { args: [...args], stdin: "null" }).output();
    const decoder = new TextDecoder();
    return {
      success: output.success,
      stdout: decoder.decode(output.stdout),
      stderr: decoder.decode(output.stderr),
    };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied)) throw error;
    return { success: false, stdout: "", stderr: "" };
  }
}

/** Returns the last lines of a text, for an error message. */
export function tail(text: string, lines: number): string {
  return text.trimEnd().split("\n").slice(-lines).join("\n");
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
