/**
 * Starts programs that inherit nothing from the caller of matrix-notify: no open descriptors, no
 * working directory, and only the given environment variables.
 *
 * Deno passes every descriptor without the flag `CLOEXEC` to its child processes. For example, a
 * script that runs `flock 9` holds a lock through descriptor 9. A background process with a copy of
 * this descriptor would keep the lock. Deno cannot close the copies, so a shell closes them before
 * it starts the program with `exec`.
 *
 * @module
 */

import { PASSED_VARIABLES } from "../base/variables.ts";
import { untilAborted } from "./abort.ts";
import { hasPermission, mayReadSystem, mayRun, readVariable } from "./permissions.ts";
import { findDirectoryDistrust } from "./trust.ts";

/** Reads the variables with these names. Leaves out the variables that are not set. */
export function pickVariables(
  names: readonly string[],
  env: (name: string) => string | undefined,
): Readonly<Record<string, string>> {
  return Object.fromEntries(names.flatMap((name) => {
    const value = env(name);
    return value === undefined ? [] : [[name, value]];
  }));
}

/** Reads {@linkcode PASSED_VARIABLES} from the environment of this process. */
function readPassedVariables(): Readonly<Record<string, string>> {
  return pickVariables(PASSED_VARIABLES, readVariable);
}

/** The program to start. */
export interface CleanProgram {
  /** The path of the program, or its name if `env` contains `PATH`. */
  readonly path: string;
  readonly args: readonly string[];
  /** The whole environment of the program. */
  readonly env: Readonly<Record<string, string>>;
}

const SHELL = "/bin/sh";

/**
 * The text that the shell writes to standard error if the program cannot be started. The exit code
 * follows the text.
 */
const NO_START = "matrix-notify: no start:";

/**
 * Closes all descriptors above 2, then starts the program. Many shells, such as dash, can close
 * only the descriptors 3 to 9. Therefore bash runs the script, if `/bin/bash` exists. If `exec`
 * fails, the shell prints {@linkcode NO_START} and ends with 126 (not executable) or 127 (not
 * found).
 */
const SCRIPT = `
script=$1
[ -n "$BASH_VERSION" ] || [ ! -x /bin/bash ] || exec /bin/bash -c "$script" bash "$@"
shift
for fd in /dev/fd/*; do
  fd=\${fd##*/}
  case $fd in
    [012] | *[!0-9]*) ;;
    ?) eval "exec $fd>&-" ;;
    *) [ -z "$BASH_VERSION" ] || eval "exec $fd>&-" ;;
  esac
done
trap 'echo "${NO_START} $?" >&2' EXIT
[ -z "$BASH_VERSION" ] || shopt -s execfail
exec "$@"
exit "$?"
`;

/**
 * Creates a command that starts a program in the directory `/`, without descriptors above 2. If
 * Deno does not allow this process to run `/bin/sh`, the descriptors stay open.
 */
export function cleanCommand({ path, args, env }: CleanProgram, options: Deno.CommandOptions): Deno.Command {
  const searches = path === SHELL || !path.includes("/");
  const whole = searches ? { ...env, PATH: toSearchPath(env.PATH ?? "") } : { ...env };
  const common = { ...options, cwd: "/", clearEnv: true, env: whole };
  if (Deno.build.os === "windows" || !mayRun(SHELL)) return new Deno.Command(path, { ...common, args: [...args] });
  return new Deno.Command(SHELL, { ...common, args: ["-c", SCRIPT, "sh", SCRIPT, path, ...args] });
}

/** The directories of the programs of the system. Only root can change them. */
const SYSTEM_FOLDERS: readonly string[] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/**
 * Returns the directories in which to look for programs, such as `systemctl`. For root, removes the
 * directories of `path` that other users can change. `PATH` can contain such directories, because
 * `su` keeps the `PATH` of the user who calls it.
 */
function toSearchPath(path: string): string {
  if (!mayReadSystem("uid") || Deno.uid() !== 0) return path;
  const trusted = path.split(":").filter((folder) => {
    if (!folder.startsWith("/") || !hasPermission({ kind: "read", value: folder })) {
      return SYSTEM_FOLDERS.includes(folder);
    }
    return findDirectoryDistrust(folder) === undefined;
  });
  return [...trusted, ...SYSTEM_FOLDERS].join(":");
}

/** Starts a program that continues after this process, its terminal and its shell have ended. */
export function startDetached(program: CleanProgram): void {
  cleanCommand(program, { detached: true, stdin: "null", stdout: "null", stderr: "null" }).spawn().unref();
}

/**
 * Throws if the shell could not start the program.
 *
 * @param stderr the end of the standard error of the program
 * @throws {Deno.errors.NotFound | Deno.errors.PermissionDenied} the error that Deno would throw
 *   without the shell
 */
export function checkStarted(path: string, stderr: string): void {
  const code = new RegExp(`^${NO_START} (\\d+)\\n$`, "m").exec(stderr)?.[1];
  if (code === undefined) return;
  if (code === "127") throw new Deno.errors.NotFound(`Cannot start ${path}: there is no such file`);
  throw new Deno.errors.PermissionDenied(`Cannot start ${path}: it is not executable`);
}

/**
 * Runs a program without input, and returns its output.
 *
 * @returns undefined if the program cannot be run, fails, or does not end before the signal aborts
 */
export async function askProgram(
  path: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!mayRun(path)) return undefined;
  try {
    const env = { ...readPassedVariables(), LC_ALL: "C" };
    const command = cleanCommand({ path, args, env }, { stdin: "null", stdout: "piped", stderr: "null", signal });
    // A process that hangs in the kernel cannot be killed. Therefore the waiting also ends when the
    // signal aborts.
    const output = await untilAborted(command.output(), signal);
    return output.success ? new TextDecoder().decode(output.stdout) : undefined;
  } catch {
    return undefined;
  }
}
