/**
 * Starts the background deliverer: a detached process that ends when the queue is empty. Before a
 * process ends, it starts the deliverer if entries are still in the queue. Therefore matrix-notify
 * does not need a daemon. Only one background deliverer runs at a time: a second deliverer finds
 * `background.lock` locked and ends immediately.
 *
 * The deliverer runs the same program with an internal command: `mod.ts deliver-in-background {…}`.
 * This works if the program runs from a file, from a URL or as a compiled binary. The deliverer
 * needs only modules that its parent process has already loaded and cached.
 *
 * @module
 */

import { ENTRY, LOCK } from "../../base/program_files.ts";
import { DELIVERER_COMMAND } from "../../base/deliverer_command.ts";
import { ConfigError, StorageError } from "../../base/errors.ts";
import { Fields } from "../../base/fields.ts";
import type { Queue } from "../../queue/queue.ts";
import { pickVariables, startDetached } from "../../runtime/clean_command.ts";
import { absolutePath } from "../../runtime/paths.ts";
import { mayRun, type Permission, permissionFlags } from "../../runtime/permissions.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { Access } from "./permissions.ts";

/**
 * The program that runs in this process. `library`: another program that imports matrix-notify.
 * `program`: the command line of matrix-notify. `deliverer`: the background deliverer.
 */
export type ProcessRole = "library" | "program" | "deliverer";

/**
 * How to start a deliverer. `deno`: Deno runs `mod.ts`. `self`: this executable, a compiled
 * matrix-notify, starts itself.
 */
export type StartMode = "deno" | "self";

/**
 * The options that the deliverer gets from its parent process. These options do not contain
 * secrets: the deliverer reads secrets from the same configuration as its parent.
 */
export interface DelivererOptions {
  readonly stateDir: string;
  readonly configFile?: string;
  readonly insecureHttp?: boolean;
  /** The flags of needed permissions that the parent process lacks. @default none */
  readonly lacks?: readonly string[];
}

/** The program to start. */
export interface Program {
  /** The path of the executable: Deno, or a compiled matrix-notify. */
  readonly execPath: string;
  readonly mode: StartMode;
  /** The URL of `mod.ts`. */
  readonly entry: string;
  /** The path of the lock file that pins the packages; undefined if no lock file applies. */
  readonly lock?: string;
  /** The Deno permissions of the deliverer. A compiled program ignores them. */
  readonly permissions: readonly Permission[];
}

/**
 * Finds out how this process can start a deliverer.
 *
 * @returns undefined if this process is a deliverer, or a compiled program that imports
 * matrix-notify (such a program does not contain the command line of matrix-notify)
 */
export function findStartMode(role: ProcessRole): StartMode | undefined {
  if (role === "deliverer") return undefined;
  if (!Deno.build.standalone) return "deno";
  return role === "program" ? "self" : undefined;
}

/**
 * Creates the command that starts a deliverer. A compiled program always runs with the permissions
 * of its build.
 */
export function delivererCommand(
  { execPath, mode, entry, lock, permissions }: Program,
  options: DelivererOptions,
): { readonly path: string; readonly args: readonly string[] } {
  const words = [DELIVERER_COMMAND, JSON.stringify(options)];
  if (mode === "self") return { path: execPath, args: words };
  const url = new URL(entry);
  // Do not download modules: all modules are in the cache, and the network may be down.
  const modules = ["--quiet", "--no-prompt", "--no-config", "--cached-only"];
  modules.push(...lock === undefined ? ["--no-lock"] : ["--lock", lock, "--frozen"]);
  if (url.protocol !== "file:") modules.push(`--allow-import=${url.host}`);
  return { path: execPath, args: ["run", ...modules, ...permissionFlags(permissions), entry, ...words] };
}

/**
 * Parses the options that {@linkcode delivererCommand} wrote.
 *
 * @throws {ConfigError} if the text does not contain valid options
 */
export function parseDelivererOptions(text: string): DelivererOptions {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ConfigError(`Cannot read the options of ${DELIVERER_COMMAND}: they are not JSON`, { cause: error });
  }
  const fields = new Fields(value, DELIVERER_COMMAND);
  const options = {
    stateDir: fields.requiredText("stateDir"),
    configFile: fields.text("configFile"),
    insecureHttp: fields.flag("insecureHttp", false),
    lacks: fields.texts("lacks"),
  };
  fields.end();
  return options;
}

/** The settings for {@linkcode handOver}. */
export interface HandOver {
  /** How to start the deliverer. If undefined, no deliverer is started. */
  readonly mode: StartMode | undefined;
  readonly role: ProcessRole;
  readonly options: DelivererOptions;
  /** Finds the hosts, files and programs that the configuration needs. */
  readonly access: () => Promise<Access>;
  readonly runtime: Pick<Runtime, "env" | "isRoot" | "surroundings">;
}

/**
 * Hands over the queue to the next deliverer. Syncs the directory of the journal. Starts a
 * background deliverer if `mode` is set and no background deliverer runs yet.
 *
 * @returns undefined on success; one line of text if the handover failed, or if the deliverer may
 * end too early
 */
export async function handOver(
  queue: Queue,
  { mode, role, options, access, runtime }: HandOver,
): Promise<string | undefined> {
  try {
    queue.syncName();
    if (mode === undefined || !queue.needsBackground()) return undefined;
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return error.message;
  }
  try {
    const execPath = Deno.execPath();
    if (!mayRun(execPath)) return describeNoRun(execPath);
    const { DELIVERER_VARIABLES, delivererPermissions, findLackingFlags } = await import("./permissions.ts");
    const needed = await access();
    const permissions = mode === "self" ? [] : delivererPermissions(needed);
    const program = { execPath, mode, entry: ENTRY, lock: findLock(role), permissions };
    const command = delivererCommand(program, { ...withAbsolutePaths(options), lacks: findLackingFlags(needed) });
    const env = {
      ...absoluteFiles(pickVariables(DELIVERER_VARIABLES, runtime.env)),
      DENO_NO_UPDATE_CHECK: "1",
      // Saves 3 MiB if Deno cannot keep compiled code.
      MALLOC_ARENA_MAX: "1",
    };
    const surroundings = await runtime.surroundings();
    if (surroundings.kind === "host") startDetached({ ...command, env });
    else {
      const { startForUnit } = await import("./unit.ts");
      return await startForUnit({ ...command, env }, { surroundings, stateDir: options.stateDir, runtime });
    }
  } catch (error) {
    return `Cannot start the background deliverer: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/**
 * Returns the path of the lock file, which pins the versions of the packages. Only the command line
 * uses this file. A program that imports the library, and its deliverer, do not use it.
 */
function findLock(role: ProcessRole): string | undefined {
  if (role !== "program" || !LOCK?.startsWith("file:")) return undefined;
  return decodeURIComponent(new URL(LOCK).pathname);
}

function describeNoRun(execPath: string): string {
  return "Cannot start the background deliverer: the permission to run Deno is missing " +
    `(add --allow-run=${execPath}, or turn background processes off with --no-background)`;
}

/** Makes the paths in the options absolute, because the deliverer runs in another directory. */
function withAbsolutePaths(options: DelivererOptions): DelivererOptions {
  const { stateDir, configFile } = options;
  return { ...options, stateDir: absolutePath(stateDir), configFile: configFile && absolutePath(configFile) };
}

/** Makes the paths in the environment absolute, because the deliverer runs in another directory. */
function absoluteFiles(env: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const isPath = (name: string) => name === "MATRIX_NOTIFY_CONFIG" || /_FILE$|_DIR$|^DENO_CERT$/.test(name);
  return Object.fromEntries(
    Object.entries(env).map(([name, value]) => [name, isPath(name) && value !== "" ? absolutePath(value) : value]),
  );
}
