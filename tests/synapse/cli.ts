/**
 * The command line as a real process, as a user runs it: with a clean environment and only the
 * permissions that it needs.
 *
 * @module
 */

import { inheritedConfig } from "../../scripts/std/argv.ts";
import { until } from "../../scripts/synapse.ts";
import { denoCache } from "../fakes/deno_cache.ts";

/** The root of the repository. */
const ROOT = `${import.meta.dirname}`.replace(/\/tests\/synapse$/, "");

/** A command that takes longer hangs, or has started a process that keeps its output open. */
const RUN_LIMIT_MS = 60_000;

/**
 * Deno cannot read these files. The folder comes from standard input, so that the search does not
 * find itself.
 */
const FIND_PROCESSES = "grep -lsaF -f - /proc/[0-9]*/cmdline /proc/[0-9]*/environ";

/** Options of {@linkcode runCli}. */
export interface CliOptions {
  /** The state directory. The home directory with all configuration is in it. */
  readonly stateDir: string;
  /** Environment variables besides those that each run has. Nothing else is inherited. */
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input. @default none */
  readonly stdin?: string;
  /** Called with the whole standard error so far, whenever there is more. */
  readonly watch?: (stderr: string) => void;
}

/** The result of a command. */
export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs `matrix-notify`. Its time zone is UTC, its home directory is in the state directory, its
 * network is the loopback interface.
 *
 * @throws {Error} if it does not end within a minute
 */
export async function runCli(args: readonly string[], options: CliOptions): Promise<CliResult> {
  const { stateDir, stdin, watch } = options;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", ...flags(stateDir), `${ROOT}/mod.ts`, ...args],
    cwd: stateDir,
    clearEnv: true,
    env: { ...await baseEnv(stateDir), ...options.env },
    stdin: stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (stdin !== undefined) await feed(child.stdin, stdin);
  return await waitForEnd(child, args, watch);
}

/** A state directory for one test. Disposal kills the processes that use it, and removes it. */
export class StateFolder implements AsyncDisposable {
  /** The absolute path. */
  readonly path: string;
  #configFile: string | undefined;

  private constructor(path: string) {
    this.path = path;
  }

  /** Creates an empty one in the temporary folder. */
  static async create(): Promise<StateFolder> {
    return new StateFolder(await Deno.makeTempDir({ prefix: "matrix-notify-state-" }));
  }

  /** Writes a configuration file without batches, for tests that count events. Returns its path. */
  configWithoutBatches(): string {
    if (this.#configFile === undefined) {
      this.#configFile = `${this.path}/without_batches.json`;
      Deno.writeTextFileSync(this.#configFile, JSON.stringify({ batch: false }), { mode: 0o600 });
    }
    return this.#configFile;
  }

  /**
   * Lists the ids of the processes with this folder in their arguments or environment, such as a
   * background deliverer. Empty on systems other than Linux.
   */
  async processes(): Promise<number[]> {
    const child = new Deno.Command("sh", { args: ["-c", FIND_PROCESSES], stdin: "piped", stdout: "piped" }).spawn();
    await feed(child.stdin, this.path);
    const { stdout } = await child.output();
    const ids = new TextDecoder().decode(stdout).matchAll(/^\/proc\/(\d+)\//gm);
    return [...new Set([...ids].map(([, id]) => Number(id)))];
  }

  /** Kills the processes and removes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    const what = `the processes of ${this.path} to end`;
    await until(async () => (await this.#killAll()) === 0 || undefined, { what });
    await Deno.remove(this.path, { recursive: true });
  }

  async #killAll(): Promise<number> {
    const found = await this.processes();
    for (const pid of found) {
      try {
        Deno.kill(pid, "SIGKILL");
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
    return found.length;
  }
}

/**
 * The permissions that the command line needs: its state directory, its own modules, which it loads
 * late, the loopback interface, itself as a background
 * deliverer, and the shell that closes its descriptors.
 */
function flags(stateDir: string): string[] {
  return [
    "--quiet",
    "--no-prompt",
    ...inheritedConfig(),
    `--allow-read=${stateDir},${ROOT}`,
    `--allow-write=${stateDir}`,
    "--allow-net=127.0.0.1,localhost",
    "--allow-env",
    "--allow-sys=hostname",
    `--allow-run=${Deno.execPath()},/bin/sh`,
  ];
}

async function baseEnv(stateDir: string): Promise<Record<string, string>> {
  const home = `${stateDir}/home`;
  await Deno.mkdir(home, { recursive: true });
  return {
    MATRIX_NOTIFY_STATE_DIR: stateDir,
    HOME: home,
    XDG_CONFIG_HOME: `${home}/.config`,
    XDG_STATE_HOME: `${home}/.local/state`,
    XDG_CACHE_HOME: `${home}/.cache`,
    TZ: "UTC",
    NO_COLOR: "1",
    DENO_DIR: denoCache(),
  };
}

/** A command may end before it has read all its input. */
async function feed(stdin: WritableStream<Uint8Array>, text: string): Promise<void> {
  try {
    await new Blob([text]).stream().pipeTo(stdin);
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

async function waitForEnd(
  child: Deno.ChildProcess,
  args: readonly string[],
  watch: CliOptions["watch"] = () => {},
): Promise<CliResult> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    child.kill("SIGKILL");
    reject(new Error(`Cannot see the end of matrix-notify ${args.join(" ")}: ${RUN_LIMIT_MS / 1000} s have passed`));
  }, RUN_LIMIT_MS);
  try {
    const outputs = Promise.all([child.status, readText(child.stdout), readText(child.stderr, watch)]);
    const [{ code }, stdout, stderr] = await Promise.race([outputs, promise]);
    return { code, stdout, stderr };
  } finally {
    clearTimeout(timer);
  }
}

async function readText(stream: ReadableStream<Uint8Array>, watch: (text: string) => void = () => {}): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    watch(text);
  }
  return text + decoder.decode();
}
