/**
 * A real `serve` with a room behind it, for tests with clients of other projects. What a client
 * says about its success does not count: a test reads the room.
 *
 * ```ts ignore
 * await using server = await startServe();
 * await server.run(python, ["-m", "apprise", "-b", "Disk full", `json://${server.host}/notify`]);
 * assertEquals(await server.arrived(), ["Disk full"]);
 * ```
 *
 * @module
 */

import { BUNDLE } from "../../scripts/build/bundle_files.ts";
import { freePort } from "../../scripts/free_port.ts";
import { inheritedConfig } from "../../scripts/std/argv.ts";
import { until } from "../../scripts/synapse/until.ts";
import { PROGRAM_FLAGS } from "../../src/base/permission_table.ts";
import { LoopbackHomeserver, type RoomEvent } from "../../src/testing/mod.ts";

const ROOT = `${import.meta.dirname}`.replace(/\/tests\/clients$/, "");

/** A client that runs longer is stopped. */
const CLIENT_LIMIT_S = 120;

/** The token of the only sender. */
const TOKEN = "tk_0123456789abcdefghijklmnopqrs";

/** Options of {@linkcode startServe}. */
export interface ServeTestOptions {
  /** More settings of `serve.http`, for example hooks or other senders. @default none */
  readonly http?: Readonly<Record<string, unknown>>;
}

/** A running `serve` and its room. */
export interface ServeTest extends AsyncDisposable {
  /** The host and the port: `127.0.0.1:40123`. */
  readonly host: string;
  /** The address: `http://127.0.0.1:40123`. */
  readonly url: string;
  /** The token of the sender. */
  readonly token: string;
  readonly homeserver: LoopbackHomeserver;
  /** A directory for the files of the test. */
  readonly directory: string;
  /**
   * Waits until the room has some new messages and the queue is empty. Returns all new messages
   * since the last call.
   *
   * @param atLeast the number to wait for, if the client sends later. @default {0}
   * @throws {Error} if the queue has a dead letter, or the messages do not arrive
   */
  events(atLeast?: number): Promise<readonly RoomEvent[]>;
  /** Returns the texts of {@linkcode events}. */
  arrived(atLeast?: number): Promise<readonly string[]>;
  /**
   * Runs a client to its end, in {@linkcode directory}.
   *
   * @returns its standard output and standard error
   * @throws {Error} if it fails
   */
  run(command: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<string>;
  /**
   * Runs matrix-notify itself as a client, with the configuration `own.json` in
   * {@linkcode directory} and a queue of its own.
   */
  runOwn(...args: readonly string[]): Promise<string>;
  /** Ends `serve` with a signal, and waits for the end. */
  stop(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
  /**
   * Starts `serve` again, at the same address.
   *
   * @param bundle the folder of a bundle to start: an upgrade. @default the source
   */
  start(bundle?: string): Promise<void>;
  /** Lets `serve` read its configuration again, and waits until it has done so. */
  reload(): Promise<void>;
}

/** Starts a homeserver with a room, and `serve`. */
export async function startServe({ http }: ServeTestOptions = {}): Promise<ServeTest> {
  const homeserver = await LoopbackHomeserver.start();
  const { userId, accessToken } = homeserver.addUser("bot");
  const room = homeserver.createRoom({ members: [userId] });
  const directory = await Deno.makeTempDir();
  const port = freePort(), host = `127.0.0.1:${port}`;
  const config = {
    identity: "jump",
    // On a busy machine, clients can be faster than the delivery.
    channels: { matrix: { homeserver: homeserver.url, accessToken, room, batch: false } },
    serve: { http: { senders: { client: { token: TOKEN } }, ...http, port } },
  };
  await Deno.writeTextFile(`${directory}/config.json`, JSON.stringify(config), { mode: 0o600 });
  let seen = 0;
  let program = await ServeProcess.start(directory);
  const events = async (atLeast = 0) => {
    const hasEnough = () => homeserver.events(room).length >= seen + atLeast || undefined;
    await until(hasEnough, { what: `${atLeast} messages`, limitMs: 120_000 });
    await until(() => isIdle(`http://${host}/metrics`), { what: "an empty queue", limitMs: 120_000 });
    const all = homeserver.events(room), fresh = all.slice(seen);
    seen = all.length;
    return fresh;
  };
  return {
    ...{ host, url: `http://${host}`, token: TOKEN, homeserver, directory, events },
    arrived: async (atLeast) => (await events(atLeast)).map(({ content }) => String(content.body)),
    run: (command, args, env = {}) => runClient(command, args, { cwd: directory, env }),
    runOwn: (...args) => {
      const state = ["--config", `${directory}/own.json`, "--state-dir", `${directory}/own`];
      return runClient(Deno.execPath(), [...programFlags(), ...args, ...state], { cwd: directory, env: {} });
    },
    stop: (signal) => program.stop(signal),
    start: async (bundle) => void (program = await ServeProcess.start(directory, bundle)),
    reload: () => program.reload(),
    async [Symbol.asyncDispose]() {
      await program.stop("SIGKILL");
      await homeserver[Symbol.asyncDispose]();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

/** Returns the arguments of Deno that start the program: the source, or a bundle. */
function programFlags(bundle?: string): readonly string[] {
  const [config, file] = bundle === undefined
    ? [inheritedConfig(), `${ROOT}/src/main.ts`]
    : [["--no-config"], `${bundle}/${BUNDLE}`];
  return ["run", "--quiet", "--no-prompt", ...config, ...PROGRAM_FLAGS, file];
}

/** The process. Its log is read all the time. */
class ServeProcess {
  readonly #child: Deno.ChildProcess;
  readonly #end: Promise<void>;
  #log = "";

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#end = this.#read();
  }

  static async start(directory: string, bundle?: string): Promise<ServeProcess> {
    const state = ["--config", `${directory}/config.json`, "--state-dir", `${directory}/state`];
    const child = new Deno.Command(Deno.execPath(), {
      args: [...programFlags(bundle), "serve", ...state],
      env: { HOME: directory, NO_COLOR: "1" },
      ...{ stdin: "null", stdout: "null", stderr: "piped" },
    }).spawn();
    const started = new ServeProcess(child);
    await started.#announced(1);
    return started;
  }

  async stop(signal: Deno.Signal): Promise<void> {
    try {
      this.#child.kill(signal);
    } catch (error) {
      // It has ended already.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.#child.status;
    await this.#end;
  }

  async reload(): Promise<void> {
    const before = this.#announcements();
    this.#child.kill("SIGHUP");
    await this.#announced(before + 1);
  }

  /** Waits until `serve` has said so often where it listens. */
  async #announced(count: number): Promise<void> {
    let hasEnded = false;
    void this.#end.then(() => hasEnded = true);
    await until(() => {
      if (hasEnded) throw new Error(`Cannot start serve:\n${this.#log}`);
      return this.#announcements() >= count || undefined;
    }, { what: "serve" });
  }

  #announcements(): number {
    return this.#log.match(/ listening at /g)?.length ?? 0;
  }

  async #read(): Promise<void> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) this.#log += text;
  }
}

/** Returns true if the queue is empty; undefined if entries wait. */
async function isIdle(url: string): Promise<true | undefined> {
  const response = await fetch(url, { headers: { Authorization: `Bearer ${TOKEN}` } });
  const text = await response.text();
  const counts = Array.from(text.matchAll(/^matrix_notify_queue_entries\{state="(\w+)"\} (\d+)$/gm));
  if (counts.length === 0) throw new Error(`Cannot read the queue: ${text}`);
  const waiting = counts.filter(([, , count]) => count !== "0").map(([, state]) => state);
  if (waiting.includes("dead")) throw new Error("Cannot empty the queue: a message is dead");
  return waiting.length === 0 ? true : undefined;
}

async function runClient(
  command: string,
  args: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command("timeout", {
    args: ["--kill-after=5", String(CLIENT_LIMIT_S), command, ...args],
    env: { HOME: cwd, LC_ALL: "C.UTF-8", ...env },
    ...{ cwd, stdin: "null" },
  }).output();
  const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  if (code !== 0) throw new Error(`Cannot run ${command} ${args.join(" ")}: exit ${code}\n${output}`);
  return output;
}
