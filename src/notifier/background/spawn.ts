/**
 * The background deliverer: a detached process that lives until the queue is empty. Whoever leaves entries behind starts it, so that nobody needs
 * a daemon. Two never deliver at once, and a second one ends as soon as it sees the first: `background.lock` tells.
 *
 * It is this program again, with one word that only we use: `mod.ts deliver-in-background {…}`. That works alike for a file, a URL and a
 * binary, and everything it needs was loaded, and so cached, by the process that starts it.
 *
 * @module
 */

import { DELIVERER_COMMAND } from "../../base/deliverer_command.ts";
import { ConfigError } from "../../base/errors.ts";
import { Fields } from "../../base/fields.ts";

/**
 * How a deliverer can be started: `deno` runs `mod.ts` again, which needs the permission to run Deno; `self` runs this executable, which must be matrix-notify
 * compiled; `here` starts none, because this process goes on delivering by itself; `no` starts none, and what is left waits for the next one.
 */
export type BackgroundMode = "deno" | "self" | "here" | "no";

/** Those that start one. */
export type StartMode = Exclude<BackgroundMode, "here" | "no">;

/** What the deliverer is told. Secrets are not: it reads them from where its parent did. */
export interface DelivererOptions {
  readonly stateDir: string;
  readonly configFile?: string;
  readonly insecureHttp?: boolean;
}

/** A command line. */
export interface CommandLine {
  readonly path: string;
  readonly args: readonly string[];
}

/** How this program runs. */
export interface Program {
  /** The executable: Deno, or this program compiled. */
  readonly execPath: string;
  readonly mode: StartMode;
  /** The URL of `mod.ts`. */
  readonly entry: string;
  /** Whether a channel starts programs. A group of processes can only be killed by who may run everything. @default {false} */
  readonly runsSubprocesses?: boolean;
}

/** The command that starts a deliverer. Its permissions are those that delivering needs, whatever its parent had. */
export function delivererCommand(program: Program, options: DelivererOptions): CommandLine {
  const words = [DELIVERER_COMMAND, JSON.stringify(options)];
  if (program.mode === "self") return { path: program.execPath, args: words };
  const url = new URL(program.entry);
  const flags = ["--allow-net", "--allow-read", "--allow-write", "--allow-env", "--allow-sys=hostname,uid"];
  if (program.runsSubprocesses) flags.push("--allow-run");
  // Its modules are in the cache, and the network may be what is missing.
  const modules = ["--quiet", "--no-prompt", "--no-config", "--no-lock", "--cached-only"];
  if (url.protocol !== "file:") modules.push(`--allow-import=${url.host}`);
  return { path: program.execPath, args: ["run", ...modules, ...flags, program.entry, ...words] };
}

/**
 * Reads what {@linkcode delivererCommand} wrote.
 *
 * @throws {ConfigError} when it is something else
 */
export function parseDelivererOptions(word: string): DelivererOptions {
  let value: unknown;
  try {
    value = JSON.parse(word);
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

/** How a deliverer differs from the process that starts it. */
export interface StartOptions extends Pick<Program, "runsSubprocesses"> {
  /** Variables that it must see differently. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Starts a deliverer that outlives this process, its terminal and its shell.
 *
 * @returns why it could not be started; undefined when it was
 */
export function startDeliverer(
  mode: StartMode,
  options: DelivererOptions,
  { env, runsSubprocesses }: StartOptions,
): string | undefined {
  try {
    const execPath = Deno.execPath();
    const permission = Deno.permissions.querySync({ name: "run", command: execPath });
    if (permission.state !== "granted") return "it needs the permission to run itself (--allow-run)";
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
