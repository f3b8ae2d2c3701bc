/**
 * Starts the background deliverer: a detached process that ends when the queue is empty. A process
 * that leaves entries in the queue starts it, so that no daemon is needed. Two deliverers never
 * send at once. A second one ends as soon as it finds `background.lock` taken.
 *
 * The deliverer is this program again, with one argument that only we use: `mod.ts
 * deliver-in-background {…}`. That works for a file, a URL and a binary. The process that starts it
 * has loaded, and so cached, everything that it needs.
 *
 * @module
 */

import { DELIVERER_COMMAND } from "../../base/deliverer_command.ts";
import { ConfigError, StorageError } from "../../base/errors.ts";
import { Fields } from "../../base/fields.ts";
import { CONFIG_VARIABLES } from "../../config/load.ts";
import type { Queue } from "../../queue/queue.ts";
import { mayRun } from "../../runtime/permissions.ts";
import type { Runtime } from "../../runtime/runtime.ts";

/**
 * Which program this process runs: one that imports the library, matrix-notify itself, or
 * matrix-notify as the background deliverer.
 */
export type ProcessRole = "library" | "program" | "deliverer";

/**
 * What a deliverer is started as: `mod.ts`, run by Deno, or this executable, which is matrix-notify
 * compiled.
 */
export type StartMode = "deno" | "self";

/**
 * Options that the deliverer gets from its parent. Secrets are not among them: it reads them from
 * where its parent did.
 */
export interface DelivererOptions {
  readonly stateDir: string;
  readonly configFile?: string;
  readonly insecureHttp?: boolean;
}

/** The program to start. */
export interface Program {
  /** The executable: Deno, or this program compiled. */
  readonly execPath: string;
  readonly mode: StartMode;
  /** The URL of `mod.ts`. */
  readonly entry: string;
  /**
   * Whether a channel starts programs. To kill a group of processes takes the permission to run
   * every program.
   */
  readonly runsSubprocesses: boolean;
}

/**
 * Decides how this process can start a deliverer.
 *
 * @returns undefined if it cannot: an importer's binary does not have our command line, and a
 * deliverer keeps delivering by itself
 */
export function findStartMode(role: ProcessRole): StartMode | undefined {
  if (role === "deliverer") return undefined;
  if (!Deno.build.standalone) return "deno";
  return role === "program" ? "self" : undefined;
}

/**
 * Makes the command that starts a deliverer. It gets the permissions that delivering needs, not
 * those of its parent.
 */
export function delivererCommand(
  { execPath, mode, entry, runsSubprocesses }: Program,
  options: DelivererOptions,
): { readonly path: string; readonly args: readonly string[] } {
  const words = [DELIVERER_COMMAND, JSON.stringify(options)];
  if (mode === "self") return { path: execPath, args: words };
  const url = new URL(entry);
  const flags = ["--allow-net", "--allow-read", "--allow-write", "--allow-env", "--allow-sys=hostname,uid"];
  if (runsSubprocesses) flags.push("--allow-run");
  // The modules are cached. The network may be down, so nothing must be downloaded.
  const modules = ["--quiet", "--no-prompt", "--no-config", "--no-lock", "--cached-only"];
  if (url.protocol !== "file:") modules.push(`--allow-import=${url.host}`);
  return { path: execPath, args: ["run", ...modules, ...flags, entry, ...words] };
}

/**
 * Parses the options that {@linkcode delivererCommand} wrote.
 *
 * @throws {ConfigError} if the text is not such options
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
  };
  fields.end();
  return options;
}

/** What a process hands over to the background deliverer. */
export interface HandOver {
  /** How to start it; undefined starts none. */
  readonly mode: StartMode | undefined;
  readonly options: DelivererOptions;
  readonly runsSubprocesses: boolean;
  readonly runtime: Pick<Runtime, "env">;
}

/**
 * Leaves the queue to the next deliverer: makes the journal's file name durable and, where that is
 * wanted, starts a background deliverer unless one runs already.
 *
 * @returns why that failed, as one line for people; undefined if it did not
 */
export function handOver(
  queue: Queue,
  { mode, options, runsSubprocesses, runtime }: HandOver,
): string | undefined {
  try {
    queue.syncName();
    if (mode === undefined || !queue.needsBackground()) return undefined;
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return error.message;
  }
  // The deliverer must read the same configuration as this process.
  const env = Object.fromEntries(CONFIG_VARIABLES.map((name) => [name, runtime.env(name) ?? ""]));
  const problem = startDeliverer(mode, options, { env, runsSubprocesses });
  return problem === undefined ? undefined : `Cannot start the background deliverer: ${problem}`;
}

/**
 * Starts a deliverer that outlives this process, its terminal and its shell.
 *
 * @returns why it could not be started; undefined if it was
 */
function startDeliverer(
  mode: StartMode,
  options: DelivererOptions,
  { env, runsSubprocesses }: Pick<Program, "runsSubprocesses"> & { readonly env: Readonly<Record<string, string>> },
): string | undefined {
  try {
    const execPath = Deno.execPath();
    if (!mayRun(execPath)) return "it needs the permission to run itself (--allow-run)";
    const entry = new URL("../../../mod.ts", import.meta.url).href;
    const { path, args } = delivererCommand({ execPath, mode, entry, runsSubprocesses }, options);
    new Deno.Command(path, {
      args: [...args],
      detached: true,
      stdin: "null",
      stdout: "null",
      stderr: "null",
      env: { ...env, DENO_NO_UPDATE_CHECK: "1" },
    }).spawn().unref();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
