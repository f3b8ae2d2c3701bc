/**
 * A real homeserver: one Synapse with its data, from its creation to its removal.
 *
 * @module
 */

import { type ApiRequest, type RoomEvent, type RoomOptions, SynapseApi, type SynapseUser } from "./api.ts";
import {
  createHomeserverConfig,
  createLogConfig,
  databasePath,
  DEFAULT_SERVER_NAME,
  type Secrets,
  type SynapseOptions,
} from "./config.ts";
import { freePort } from "../free_port.ts";
import { installSynapse } from "./install.ts";
import { readLog, SynapseProcess, SynapseStartError } from "./process.ts";
import { run } from "../std/command.ts";

/**
 * Another process may take a free port before Synapse does. After this many tries in a row it is
 * not chance.
 */
const PORT_TRIES = 5;

/**
 * Runs one statement and prints its rows as JSON. Arguments: the database, the statement, the
 * parameters as JSON.
 */
const SQL = `
import json, sqlite3, sys
database, statement, parameters = sys.argv[1:]
with sqlite3.connect(database, timeout=10) as connection:
    print(json.dumps(connection.execute(statement, json.loads(parameters)).fetchall(), default=str))
`;

/** A value of SQLite. */
export type SqlValue = string | number | null;

/**
 * A Synapse on a free port of the loopback interface, with its data in a temporary folder. Disposal
 * removes both.
 */
export class Synapse implements AsyncDisposable {
  /** Its address, without a trailing slash: `http://127.0.0.1:40123`. A restart keeps it. */
  readonly url: string;
  /** The part of its user ids after the colon. */
  readonly serverName: string;
  readonly #python: string;
  readonly #folder: string;
  readonly #api: SynapseApi;
  #process: SynapseProcess;

  private constructor(started: StartedServer, options: SynapseOptions) {
    this.url = started.url;
    this.serverName = options.serverName ?? DEFAULT_SERVER_NAME;
    this.#python = started.python;
    this.#folder = started.folder;
    this.#process = started.process;
    this.#api = new SynapseApi(started.url, started.secrets.registration);
  }

  /**
   * Installs Synapse if needed, starts one, and waits until it answers: 2 to 5 s.
   *
   * @throws {Error} if it cannot be installed
   * @throws {SynapseStartError} if it does not start; the message ends with its log
   */
  static async start(options: SynapseOptions = {}): Promise<Synapse> {
    const python = await installSynapse();
    const folder = await Deno.makeTempDir({ prefix: "matrix-notify-synapse-" });
    try {
      return new Synapse(await startServer(python, folder, options), options);
    } catch (error) {
      await Deno.remove(folder, { recursive: true });
      throw error;
    }
  }

  /** True if its process exists, also if it is suspended. */
  get running(): boolean {
    return this.#process.running;
  }

  /**
   * Registers a user with the password `password-of-<localpart>`. With `admin` it may use the admin
   * API.
   */
  registerUser(localpart: string, options: { readonly admin?: boolean } = {}): Promise<SynapseUser> {
    return this.#api.registerUser(localpart, options.admin ?? false);
  }

  /** Creates a room, by default a private one, and returns its id. */
  createRoom(user: SynapseUser, options: RoomOptions = {}): Promise<string> {
    return this.#api.createRoom(user, options);
  }

  /** Joins a room, by id or alias. */
  joinRoom(user: SynapseUser, room: string): Promise<void> {
    return this.#api.joinRoom(user, room);
  }

  /** Lists all `m.room.message` events of a room that the user may see, oldest first. */
  messages(user: SynapseUser, roomId: string): Promise<RoomEvent[]> {
    return this.#api.messages(user, roomId);
  }

  /**
   * Sends any other request, and returns the JSON of the answer.
   *
   * @throws {Error} if the status is not 2xx, with the status and the body; if there is no answer
   * within 30 s
   */
  request<T>(path: string, request: ApiRequest = {}): Promise<T> {
    return this.#api.request(path, request);
  }

  /** Stops it, after 10 s with SIGKILL. Keeps its port and data. */
  stop(): Promise<void> {
    return this.#process.stop();
  }

  /** Ends it with SIGKILL. Keeps its port and data. */
  kill(): Promise<void> {
    return this.#process.kill();
  }

  /**
   * Restarts it after `stop` or `kill`, on the same port with the same data.
   *
   * @throws {SynapseStartError} if it does not start
   */
  async startAgain(): Promise<void> {
    if (this.running) throw new SynapseStartError("Cannot start Synapse: it is running");
    this.#process = await SynapseProcess.start({ python: this.#python, folder: this.#folder, url: this.url });
  }

  /**
   * Suspends the process (SIGSTOP): the kernel still accepts connections, but there are no answers.
   */
  suspendProcess(): void {
    this.#process.signal("SIGSTOP");
  }

  /** Resumes a suspended process (SIGCONT). */
  resumeProcess(): void {
    this.#process.signal("SIGCONT");
  }

  /**
   * Runs one statement on the database, whether Synapse runs or not. Its caches do not notice
   * changes.
   *
   * @returns the rows, each a list of its columns; empty for a statement without rows
   * @throws {Error} if SQLite refuses the statement
   */
  async sql(statement: string, parameters: readonly SqlValue[] = []): Promise<SqlValue[][]> {
    const args = ["-I", "-c", SQL, databasePath({ folder: this.#folder }), statement, JSON.stringify(parameters)];
    const { success, stdout, stderr } = await run(this.#python, args);
    if (!success) throw new Error(`Cannot run ${statement}: ${stderr.trimEnd()}`);
    return JSON.parse(stdout);
  }

  /** Returns the last lines of its log, over all its runs. */
  log(lines = 40): Promise<string> {
    return readLog(this.#folder, lines);
  }

  /** Kills the process and removes the data. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    this.#api[Symbol.dispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** A process that answers, and its parts. */
interface StartedServer {
  readonly python: string;
  readonly folder: string;
  readonly url: string;
  readonly secrets: Secrets;
  readonly process: SynapseProcess;
}

/**
 * Synapse cannot report a port that the kernel chose, so it gets one that was free a moment ago.
 */
async function startServer(python: string, folder: string, options: SynapseOptions): Promise<StartedServer> {
  const secrets = { registration: crypto.randomUUID(), signingSeed: crypto.getRandomValues(new Uint8Array(32)) };
  await Deno.writeTextFile(`${folder}/log.yaml`, createLogConfig());
  for (let tries = 1;; tries++) {
    const port = freePort();
    const url = `http://127.0.0.1:${port}`;
    await Deno.writeTextFile(`${folder}/homeserver.yaml`, createHomeserverConfig(options, { folder, port }, secrets));
    try {
      return { python, folder, url, secrets, process: await SynapseProcess.start({ python, folder, url }) };
    } catch (error) {
      if (tries === PORT_TRIES || isFree(port)) throw error;
    }
  }
}

/** True if the port is free: then Synapse failed for another reason than its port. */
function isFree(port: number): boolean {
  try {
    using _listener = Deno.listen({ hostname: "127.0.0.1", port });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}
