/**
 * The process of one Synapse, from its start to its end. It never outlives this process: if this
 * one ends without stopping it, a guard process kills it and removes its data.
 *
 * @module
 */

import { tail } from "../std/command.ts";
import { until } from "./until.ts";

/**
 * Synapse loads and creates its database in 2 to 5 s; a busy small board needs several times as
 * long.
 */
const START_LIMIT_MS = 120_000;

/** After SIGTERM Synapse waits for requests that are running. */
const STOP_LIMIT_MS = 10_000;

/** The timeout of one readiness check: the server may hang. */
const CHECK_LIMIT_MS = 5_000;

/**
 * Runs Synapse with its output in a file. It forks a guard, in a process group that Ctrl-C does not
 * reach, which reads standard input: a byte means that Synapse was stopped and the guard may exit;
 * the end without a byte means that the starter was killed. Arguments: the log file, the folder to
 * remove, then those of Synapse.
 */
const LAUNCHER = `
import os, runpy, shutil, signal, sys, time
log, folder = sys.argv[1:3]
synapse = os.getpid()
if os.fork() == 0:
    os.setsid()
    if not os.read(0, 1):
        while os.getppid() == synapse:
            os.kill(synapse, signal.SIGKILL)
            time.sleep(0.01)
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)
output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
for stream, source in enumerate([os.open(os.devnull, os.O_RDONLY), output, output]):
    os.dup2(source, stream)
sys.argv[1:] = sys.argv[3:]
runpy.run_module("synapse.app.homeserver", run_name="__main__", alter_sys=True)
`;

/** Options of {@linkcode SynapseProcess.start}. */
export interface ProcessOptions {
  /** The Python of Synapse's environment. */
  readonly python: string;
  /** The folder with `homeserver.yaml` and the log. */
  readonly folder: string;
  /** The address at which it will answer. */
  readonly url: string;
}

/** Synapse did not start. */
export class SynapseStartError extends Error {
  override name = "SynapseStartError" as const;
}

/** A running Synapse. */
export class SynapseProcess {
  readonly #child: Deno.ChildProcess;
  #running = true;
  #isGuarded = true;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    child.status.then(() => this.#running = false);
  }

  /**
   * Starts Synapse and waits until it answers.
   *
   * @throws {SynapseStartError} if it ends before that, or does not answer within 2 minutes; the
   * message ends with its log
   */
  static async start(options: ProcessOptions): Promise<SynapseProcess> {
    const { python, folder } = options;
    const args = ["-I", "-c", LAUNCHER, logPath(folder), folder, "--config-path", `${folder}/homeserver.yaml`];
    const child = new Deno.Command(python, { args, cwd: folder, stdin: "piped", stdout: "null", stderr: "null" })
      .spawn();
    const process = new SynapseProcess(child);
    try {
      await until(() => process.#isReady(options.url), { what: "Synapse to answer", limitMs: START_LIMIT_MS });
      return process;
    } catch (error) {
      await process.kill();
      const reason = error instanceof Error ? error.message : String(error);
      throw new SynapseStartError(`Cannot start Synapse: ${reason}\n${await readLog(folder, 30)}`, { cause: error });
    }
  }

  /** True if the process exists, also if it is suspended. */
  get running(): boolean {
    return this.#running;
  }

  /** Stops it with SIGTERM, after 10 s with SIGKILL. A suspended process is resumed for that. */
  async stop(): Promise<void> {
    this.signal("SIGTERM");
    this.signal("SIGCONT");
    const limit = setTimeout(() => this.signal("SIGKILL"), STOP_LIMIT_MS);
    await this.#ended();
    clearTimeout(limit);
  }

  /** Ends it with SIGKILL, like a power cut without damage to the disk. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.#ended();
  }

  /** Sends a signal, unless it has ended. */
  signal(name: Deno.Signal): void {
    if (!this.#running) return;
    try {
      this.#child.kill(name);
    } catch (error) {
      // It has just ended, and `status` has not resolved yet.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** Dismisses the guard once, after the end. The process may have been ended from outside. */
  async #ended(): Promise<void> {
    await this.#child.status;
    this.#running = false;
    const isGuarded = this.#isGuarded;
    this.#isGuarded = false;
    if (isGuarded) await dismissGuard(this.#child.stdin);
  }

  async #isReady(url: string): Promise<true | undefined> {
    if (!this.#running) throw new Error("it ended by itself");
    try {
      const signal = AbortSignal.timeout(CHECK_LIMIT_MS);
      const response = await fetch(`${url}/_matrix/client/versions`, { signal, headers: { connection: "close" } });
      await response.body?.cancel();
      return response.ok || undefined;
    } catch {
      return undefined;
    }
  }
}

async function dismissGuard(stdin: WritableStream<Uint8Array>): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(new Uint8Array(1));
    await writer.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** Returns the last lines of Synapse's log, over all its runs; empty before the first one. */
export async function readLog(folder: string, lines: number): Promise<string> {
  try {
    return tail(await Deno.readTextFile(logPath(folder)), lines);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

function logPath(folder: string): string {
  return `${folder}/synapse.log`;
}
