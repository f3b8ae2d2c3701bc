/**
 * A load: many clients post to `serve` at the same time, over HTTP and through its socket. The
 * homeserver is down or slow, and `serve` is killed, stopped or reloaded. A client repeats a
 * request that got no answer, or 503, with the same idempotency key. At the end, the oracle checks
 * the rooms.
 *
 * ```text
 * a kill      -> all notifications with an answer are in the journal
 * a stop      -> serve ends within 10 s, with exit code 0
 * a flood     -> serve closes the connections and goes on
 * at the end  -> serve delivers all of them, once and in order
 * ```
 *
 * @module
 */

import { DEFAULT_SOCKET } from "../../src/config/paths.ts";
import type { HomeserverFaultName } from "../../src/testing/mod.ts";
import { type Dice, seededDice } from "./crash_dice.ts";
import { commandLine } from "./process.ts";
import { ONE, problem, sum, type Tally } from "./tally.ts";
import { createMessage, World } from "./world.ts";

/** What happens to `serve`. `flood`: so many clients connect that it can open no more files. */
type Incident = "SIGKILL" | "SIGTERM" | "SIGHUP" | "flood";

/** The input of {@linkcode load}. */
export interface LoadOptions {
  readonly posts: number;
  readonly clients: number;
  /** What happens to `serve` during the posts, in order. */
  readonly incidents: readonly Incident[];
  /** The fault of the homeserver during the posts. */
  readonly fault: HomeserverFaultName;
  readonly seed: number;
  /** Returns the command line of a program that runs `serve`. @default none */
  readonly through?: (world: World) => readonly string[];
  /** Called before the state directory is removed. @default none */
  readonly onEnd?: (world: World) => void;
}

/** The time limit for a start and for a stop of `serve`, in milliseconds. */
const STOP_LIMIT_MS = 10_000, START_LIMIT_MS = 60_000;

/** The time limit for the delivery of all notifications, in milliseconds. */
const DELIVERY_LIMIT_MS = 300_000;

/** The time after which a client gives a request up, in milliseconds. */
const ANSWER_LIMIT_MS = 60_000;

/**
 * The number of files that `serve` can open if there is a flood, and the largest number of
 * connections.
 */
const FLOOD_FILES = 400, FLOOD_CONNECTIONS = 5000;

/** The pause of a client before it repeats a request, in milliseconds. */
const REPEAT_MS = 50;

/** Matches the id of a notification. */
const ID_REGEXP = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

async function listFiles(directory: string): Promise<readonly string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(directory))).map(({ name }) => `${directory}/${name}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** A running `serve`. */
interface ServeProcess {
  readonly url: string;
  readonly pid: number;
  readonly status: Promise<Deno.CommandStatus>;
  readonly log: string[];
}

/** Starts `serve`, and waits until it listens. */
async function startServe(world: World, through: readonly string[] = []): Promise<ServeProcess> {
  const [path, ...args] = commandLine(["serve"], through);
  const child = new Deno.Command(path, { args, env: world.env(), stdin: "null", stdout: "null", stderr: "piped" })
    .spawn();
  const log: string[] = [];
  const listening = Promise.withResolvers<string>();
  const timer = setTimeout(() => child.kill("SIGKILL"), START_LIMIT_MS);
  void (async () => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
      log.push(text);
      const url = /listening at .*?(http:[^,\s]+)/.exec(log.join(""))?.[1];
      if (url !== undefined) listening.resolve(url);
    }
    listening.reject(new Error(`serve ended: ${log.join("")}`));
  })();
  try {
    return { url: await listening.promise, pid: child.pid, status: child.status, log };
  } finally {
    clearTimeout(timer);
  }
}

/** The clients, and the `serve` that they post to. */
class Load {
  readonly #world: World;
  readonly #options: LoadOptions;
  readonly #dice: Dice;
  readonly #socket: string;
  readonly problems: string[] = [];
  /** The times from each request to its answer, in milliseconds. */
  readonly #latencies: number[] = [];
  #repeated = 0;
  /** Connections of clients that send nothing. */
  readonly #silent: Deno.Conn[] = [];
  /** The ids of all notifications with an answer. */
  readonly #ids: string[] = [];
  #started = 0;
  #server!: Promise<ServeProcess>;

  constructor(world: World, options: LoadOptions) {
    this.#world = world;
    this.#options = options;
    this.#dice = seededDice(options.seed);
    this.#socket = `${world.directory}/run/${DEFAULT_SOCKET}`;
  }

  async run(): Promise<void> {
    const { clients, fault } = this.#options;
    const { homeserver, directory } = this.#world;
    homeserver.fault(fault, { delayMs: 20 });
    Deno.mkdirSync(`${directory}/matrix-notify`);
    const rateLimit = { count: 1_000_000, per: "1s" };
    const config = {
      serve: { http: { port: 0, rateLimit }, sockets: { [DEFAULT_SOCKET]: { path: this.#socket, rateLimit } } },
    };
    Deno.writeTextFileSync(`${directory}/matrix-notify/config.json`, JSON.stringify(config), { mode: 0o600 });
    this.#start();
    await this.#server;
    await Promise.all([...Array.from({ length: clients }, (_, client) => this.#post(client)), this.#disturb()]);
    await this.#checkJournal();
    await homeserver.clearFaults();
    await this.#awaitDelivery();
    await this.#stop();
    for (const connection of this.#silent) connection.close();
  }

  /** Describes the answers in a sentence. */
  describe(): string {
    const sorted = this.#latencies.toSorted((a, b) => a - b);
    const [p50, p99] = [0.5, 0.99].map((share) => Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0));
    return `${sorted.length} answers, p50 ${p50} ms, p99 ${p99} ms, ${this.#repeated} requests repeated`;
  }

  #start(): void {
    const { incidents, through = () => [] } = this.#options;
    const limit = incidents.includes("flood") ? ["sh", "-c", `ulimit -n ${FLOOD_FILES}; exec "$@"`, "sh"] : [];
    this.#server = startServe(this.#world, [...limit, ...through(this.#world)]);
  }

  /** Connects without a request until `serve` closes all connections. */
  async #flood(): Promise<void> {
    const { url, log } = await this.#server;
    const address = { hostname: "127.0.0.1", port: Number(new URL(url).port) };
    for (let left = FLOOD_CONNECTIONS; left > 0; left--) {
      if (log.join("").includes("all connections are closed")) return;
      // While the listener opens again, it refuses connections.
      await Deno.connect(address).then((connection) => this.#silent.push(connection), () => wait(REPEAT_MS));
    }
    this.problems.push(`${FLOOD_CONNECTIONS} connections had no effect: ${log.join("")}`);
  }

  /**
   * Posts until all posts are made. Clients with an even number use HTTP, the others the socket.
   */
  async #post(client: number): Promise<void> {
    const { clients, posts } = this.#options;
    const isHttp = client % 2 === 0;
    const [room] = this.#world.rooms.slice(isHttp ? 0 : -1);
    using own = isHttp
      ? Deno.createHttpClient({})
      : Deno.createHttpClient({ proxy: { transport: "unix", path: this.#socket } });
    for (let number = client; number < posts; number += clients) {
      this.#started++;
      const subject = `${client}.${number}`, message = createMessage(subject);
      const began = this.#world.tick();
      const fields = isHttp ? { subject, message, id: subject } : { subject, message, id: subject, room };
      const id = await this.#postOnce(own, isHttp, JSON.stringify(fields));
      if (id === undefined) this.problems.push(`${subject} was refused`);
      else this.#ids.push(id);
      const answer = id === undefined ? "unknown" : "acknowledged";
      this.#world.record({ lane: room, subject, message, answer, began });
    }
  }

  /** Repeats a request until it has an answer. Returns the id of the notification. */
  async #postOnce(client: Deno.HttpClient, isHttp: boolean, body: string): Promise<string | undefined> {
    for (let left = 200; left > 0; left--) {
      const { url } = await this.#server;
      const start = performance.now();
      try {
        const response = await fetch(isHttp ? `${url}/notify` : "http://localhost/send", {
          method: "POST",
          body,
          headers: { "Content-Type": "application/json" },
          signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
          client,
        });
        const text = await response.text();
        if (response.status === 503) throw new Error("The client must try again");
        if (!response.ok) {
          this.problems.push(`the answer is ${response.status} ${text}`);
          return undefined;
        }
        this.#latencies.push(performance.now() - start);
        const { ids, outcomes } = JSON.parse(text);
        return (ids ?? [outcomes[0].id])[0];
      } catch (error) {
        if (error instanceof DOMException) this.problems.push(`there is no answer after ${ANSWER_LIMIT_MS} ms`);
        // The server was killed, restarts, or can open no more files.
        this.#repeated++;
        await wait(REPEAT_MS);
      }
    }
    return undefined;
  }

  /** Lets the incidents happen at random moments, about evenly spread. */
  async #disturb(): Promise<void> {
    const { posts, incidents } = this.#options;
    for (const [at, incident] of incidents.entries()) {
      const share = posts / (incidents.length + 1);
      const moment = Math.floor(share * (at + 0.5)) + this.#dice(Math.ceil(share / 2));
      while (this.#started < moment) await wait(1);
      if (incident === "SIGHUP") Deno.kill((await this.#server).pid, "SIGHUP");
      else if (incident === "flood") await this.#flood();
      else if (incident === "SIGTERM") await this.#stop();
      else {
        const { pid, status } = await this.#server;
        Deno.kill(pid, "SIGKILL");
        await status;
        await this.#checkJournal();
      }
      if (incident === "SIGKILL" || incident === "SIGTERM") this.#start();
    }
  }

  /** Each notification with an answer must be in the journal or in a room. */
  async #checkJournal(): Promise<void> {
    const ids = [...this.#ids];
    const queue = `${this.#world.stateDir}/queue`;
    const stored = await Promise.all(
      [...await listFiles(`${queue}/spool`), `${queue}/queue.jsonl`].map((path) => Deno.readTextFile(path)),
    );
    const delivered = this.#world.rooms.flatMap((room) => this.#world.homeserver.events(room));
    const known = new Set(`${stored.join("\n")}${JSON.stringify(delivered)}`.match(ID_REGEXP));
    for (const id of ids) if (!known.has(id)) this.problems.push(`not on disk: ${id}`);
  }

  /** Stops `serve` with SIGTERM. */
  async #stop(): Promise<void> {
    const { pid, status, log } = await this.#server;
    const start = performance.now();
    Deno.kill(pid, "SIGTERM");
    const timer = setTimeout(() => Deno.kill(pid, "SIGKILL"), 3 * STOP_LIMIT_MS);
    const { code } = await status;
    clearTimeout(timer);
    const elapsedMs = Math.round(performance.now() - start);
    if (elapsedMs > STOP_LIMIT_MS) this.problems.push(`serve ended ${elapsedMs} ms after SIGTERM`);
    if (code !== 0) this.problems.push(`serve ended with ${code} after SIGTERM: ${log.join("")}`);
  }

  async #awaitDelivery(): Promise<void> {
    const end = Date.now() + DELIVERY_LIMIT_MS;
    // A flush skips the pause that follows the failures.
    await this.#world.start(["flush", "--wait", "1s", "--now"]).ending;
    while (this.#world.received().length < this.#ids.length && Date.now() < end) await wait(200);
  }
}

/** Runs a load and judges the result. A note of the tally has the times of the answers. */
export async function load(options: LoadOptions): Promise<Tally> {
  await using world = await World.open({ rooms: 2 });
  const run = new Load(world, options);
  await run.run();
  const { posts, clients, fault } = options;
  const note = `${posts} posts by ${clients} clients, homeserver with fault ${fault}: ${run.describe()}`;
  const injections = { ...ONE, injections: options.incidents.length + 1, notes: [note] };
  const tally = sum([injections, problem(...run.problems), await world.recover()]);
  world.keepsEvidence ||= tally.problems.length > 0;
  options.onEnd?.(world);
  return tally;
}
