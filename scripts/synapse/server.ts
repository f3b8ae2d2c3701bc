/**
 * A real homeserver: one Synapse with its data, from its making to its removal.
 *
 * @module
 */

import { type ApiRequest, type RoomEvent, type RoomOptions, SynapseApi, type SynapseUser } from "./api.ts";
import {
  databaseFile,
  DEFAULT_SERVER_NAME,
  homeserverConfig,
  logConfig,
  type Secrets,
  type SynapseOptions,
} from "./config.ts";
import { installSynapse } from "./install.ts";
import { readLog, SynapseProcess, SynapseStartError } from "./process.ts";
import { run } from "../python/python.ts";

/** A free port can be taken by somebody else before Synapse has it; so often in a row it is not chance. */
const PORT_TRIES = 5;

/** Runs one statement and prints its rows as JSON; its arguments: the database, the statement, the parameters as JSON. */
const SQL = `
import json, sqlite3, sys
database, statement, parameters = sys.argv[1:]
with sqlite3.connect(database, timeout=10) as connection:
    print(json.dumps(connection.execute(statement, json.loads(parameters)).fetchall(), default=str))
`;

/** A value that SQLite takes and gives. */
export type SqlValue = string | number | null;

/** A Synapse on a free port of the loopback interface, with its data in a temporary folder. Disposing of it removes both. */
export class Synapse implements AsyncDisposable {
  /** Where it answers, without a slash at the end: `http://127.0.0.1:40123`. Stays the same when it starts again. */
  readonly url: string;
  /** The part of its user ids after the colon. */
  readonly serverName: string;
  readonly #python: string;
  readonly #folder: string;
  readonly #api: SynapseApi;
  #process: SynapseProcess;

  private constructor(made: Made, options: SynapseOptions) {
    this.url = made.url;
    this.serverName = options.serverName ?? DEFAULT_SERVER_NAME;
    this.#python = made.python;
    this.#folder = made.folder;
    this.#process = made.process;
    this.#api = new SynapseApi(made.url, made.secrets.registration);
  }

  /**
   * Installs Synapse when it is not installed yet, starts one, and waits until it answers: 2 to 5 s.
   *
   * @throws {Error} When it cannot be installed.
   * @throws {SynapseStartError} When it does not come up; the message ends with its log.
   */
  static async start(options: SynapseOptions = {}): Promise<Synapse> {
    const python = await installSynapse();
    const folder = await Deno.makeTempDir({ prefix: "matrix-notify-synapse-" });
    try {
      return new Synapse(await make(python, folder, options), options);
    } catch (error) {
      await Deno.remove(folder, { recursive: true });
      throw error;
    }
  }

  /** Whether its process runs; a suspended one does. */
  get running(): boolean {
    return this.#process.running;
  }

  /** Registers a user, whose password is `password-of-<localpart>`; `admin` may use the admin API. */
  registerUser(localpart: string, options: { readonly admin?: boolean } = {}): Promise<SynapseUser> {
    return this.#api.registerUser(localpart, options.admin ?? false);
  }

  /** Makes a room, by default a private one, and gives its id. */
  createRoom(user: SynapseUser, options: RoomOptions = {}): Promise<string> {
    return this.#api.createRoom(user, options);
  }

  /** Joins a room, by id or alias. */
  joinRoom(user: SynapseUser, room: string): Promise<void> {
    return this.#api.joinRoom(user, room);
  }

  /** All `m.room.message` events of a room that the user may see, oldest first. */
  messages(user: SynapseUser, roomId: string): Promise<RoomEvent[]> {
    return this.#api.messages(user, roomId);
  }

  /**
   * Makes any other request, and gives the answer's JSON.
   *
   * @throws {Error} When the status is not 2xx, with the status and the answer's body; when there is no answer in 30 s.
   */
  request<T>(path: string, request: ApiRequest = {}): Promise<T> {
    return this.#api.request(path, request);
  }

  /** Ends it in good order, by force after 10 s. Its port and data stay. */
  stop(): Promise<void> {
    return this.#process.stop();
  }

  /** Ends it at once with SIGKILL. Its port and data stay. */
  kill(): Promise<void> {
    return this.#process.kill();
  }

  /**
   * Starts it again after a stop or a kill, on the same port with the same data.
   *
   * @throws {SynapseStartError} When it does not come up.
   */
  async startAgain(): Promise<void> {
    if (this.running) throw new SynapseStartError("Cannot start Synapse: it is running");
    this.#process = await SynapseProcess.start({ python: this.#python, folder: this.#folder, url: this.url });
  }

  /** Freezes the process (SIGSTOP): connections are still accepted by the kernel, but nobody answers. */
  suspendProcess(): void {
    this.#process.signal("SIGSTOP");
  }

  /** Lets a frozen process go on (SIGCONT). */
  resumeProcess(): void {
    this.#process.signal("SIGCONT");
  }

  /**
   * Runs one statement on the database, whether Synapse runs or not. A running one has caches that do not notice changes.
   *
   * @returns The rows, each a list of its columns; empty for a statement that gives none.
   * @throws {Error} When SQLite refuses the statement.
   */
  async sql(statement: string, parameters: readonly SqlValue[] = []): Promise<SqlValue[][]> {
    const args = ["-I", "-c", SQL, databaseFile({ folder: this.#folder }), statement, JSON.stringify(parameters)];
    const { success, stdout, stderr } = await run(this.#python, args);
    if (!success) throw new Error(`Cannot run ${statement}: ${stderr.trimEnd()}`);
    return JSON.parse(stdout);
  }

  /** The last lines of its log, 40 by default, of all its runs. */
  log(lines = 40): Promise<string> {
    return readLog(this.#folder, lines);
  }

  /** Ends the process by force and removes the data. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    this.#api[Symbol.dispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** A process that answers, and what it was made of. */
interface Made {
  readonly python: string;
  readonly folder: string;
  readonly url: string;
  readonly secrets: Secrets;
  readonly process: SynapseProcess;
}

/** Synapse cannot report the port that the kernel gave it, so it is given one that was free a moment ago. */
async function make(python: string, folder: string, options: SynapseOptions): Promise<Made> {
  const secrets = { registration: crypto.randomUUID(), signingSeed: crypto.getRandomValues(new Uint8Array(32)) };
  await Deno.writeTextFile(`${folder}/log.yaml`, logConfig());
  for (let tries = 1;; tries++) {
    const port = freePort();
    const url = `http://127.0.0.1:${port}`;
    await Deno.writeTextFile(`${folder}/homeserver.yaml`, homeserverConfig(options, { folder, port }, secrets));
    try {
      return { python, folder, url, secrets, process: await SynapseProcess.start({ python, folder, url }) };
    } catch (error) {
      if (tries === PORT_TRIES || isFree(port)) throw error;
    }
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Whether the port is to be had, which tells a Synapse that lost its port from one that failed otherwise. */
function isFree(port: number): boolean {
  try {
    using _listener = Deno.listen({ hostname: "127.0.0.1", port });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}
