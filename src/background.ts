/**
 * The background deliverer: a detached process that lives until the queue is empty. Whoever leaves entries behind starts it, so that nobody needs
 * a daemon; `deliver.lock` sees to it that two never deliver at once.
 *
 * It is this program again, with one word that only we use: `mod.ts deliver-in-background {…}`. That works alike for a file, a URL and a
 * binary, and everything it needs was loaded, and so cached, by the process that starts it.
 *
 * @module
 */

/** The word that makes `mod.ts` the deliverer. */
export const DELIVER_COMMAND = "deliver-in-background";

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
  /** Whether the executable is this program compiled. */
  readonly compiled: boolean;
  /** The URL of `mod.ts`. */
  readonly entry: string;
}

/** The command that starts a deliverer. Its permissions are those that delivering needs, whatever its parent had. */
export function delivererCommand(program: Program, options: DelivererOptions): CommandLine {
  const words = [DELIVER_COMMAND, JSON.stringify(options)];
  if (program.compiled) return { path: program.execPath, args: words };
  const url = new URL(program.entry);
  const flags = ["--allow-net", "--allow-read", "--allow-write", "--allow-env", "--allow-sys=hostname,uid"];
  // Its modules are in the cache, and the network may be what is missing.
  const modules = ["--quiet", "--no-prompt", "--no-config", "--no-lock", "--cached-only"];
  if (url.protocol !== "file:") modules.push(`--allow-import=${url.host}`);
  return { path: program.execPath, args: ["run", ...modules, ...flags, program.entry, ...words] };
}

/** Makes what a notifier calls to leave a deliverer behind. */
export function startBackgroundFrom(
  options: { readonly compiled: boolean; readonly configFile?: string; readonly insecureHttp?: boolean },
): (stateDir: string) => string | undefined {
  const { compiled, configFile, insecureHttp } = options;
  return (stateDir) => {
    const program = { execPath: Deno.execPath(), compiled, entry: new URL("../mod.ts", import.meta.url).href };
    return startDeliverer(delivererCommand(program, { stateDir, configFile, insecureHttp }));
  };
}

/**
 * Starts a deliverer that outlives this process, its terminal and its shell.
 *
 * @returns why it could not be started; undefined when it was
 */
export function startDeliverer(command: CommandLine): string | undefined {
  try {
    const permission = Deno.permissions.querySync({ name: "run", command: command.path });
    if (permission.state !== "granted") return "it needs the permission to run itself (--allow-run)";
    new Deno.Command(command.path, {
      args: [...command.args],
      detached: true,
      stdin: "null",
      stdout: "null",
      stderr: "null",
      env: { DENO_NO_UPDATE_CHECK: "1" },
    }).spawn().unref();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
