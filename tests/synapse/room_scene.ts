/**
 * A room on a real homeserver with a sender and a reader, and a state directory, for one test.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import {
  type CliResult,
  type RoomEvent,
  runCli,
  StateFolder,
  type Synapse,
  type SynapseUser,
  until,
} from "./harness.ts";

/** A delivery in the journal of the queue. */
export interface Ack {
  /** The event_id. */
  readonly receipt: string;
  /** The proof: the answer, or a read-back of the room. */
  readonly via: "put" | "read-back";
  /** True if there may be a second copy. */
  readonly risk?: true;
}

/** Options of {@linkcode RoomScene.open}. */
export interface RoomSceneOptions {
  /** The prefix of the users' localparts; it must be unique in the file. */
  readonly name: string;
  /** The address of the homeserver for the command line. @default its own address */
  readonly url?: string;
}

/** Two users, their private room, and a state directory. */
export class RoomScene implements AsyncDisposable {
  /** The user whose token the command line has. */
  readonly sender: SynapseUser;
  /** The room_id. */
  readonly room: string;
  /** The other member of the room. */
  readonly reader: SynapseUser;
  readonly #synapse: Synapse;
  readonly #state: StateFolder;
  readonly #url: string;
  readonly #env: Readonly<Record<string, string>>;

  private constructor(synapse: Synapse, parts: Parts, url: string) {
    this.#synapse = synapse;
    this.sender = parts.sender;
    this.room = parts.room;
    this.reader = parts.reader;
    this.#state = parts.state;
    this.#url = url;
    this.#env = {
      MATRIX_NOTIFY_CONFIG: parts.state.configWithoutBatches(),
      MATRIX_HOMESERVER: url,
      MATRIX_ACCESS_TOKEN: parts.sender.accessToken,
      MATRIX_ROOM: parts.room,
    };
  }

  /** Registers the users, and creates their room. */
  static async open(synapse: Synapse, { name, url = synapse.url }: RoomSceneOptions): Promise<RoomScene> {
    const sender = await synapse.registerUser(`${name}-sender`);
    const reader = await synapse.registerUser(`${name}-reader`);
    const room = await synapse.createRoom(sender, { invite: [reader] });
    await synapse.joinRoom(reader, room);
    return new RoomScene(synapse, { sender, reader, room, state: await StateFolder.create() }, url);
  }

  get stateDir(): string {
    return this.#state.path;
  }

  /** Runs the command line. */
  run(args: readonly string[], stdin?: string, env: Readonly<Record<string, string>> = {}): Promise<CliResult> {
    return runCli(args, { stateDir: this.stateDir, env: { ...this.#env, ...env }, stdin });
  }

  /** Lists the events of the room, as the reader sees them, oldest first. */
  read(): Promise<RoomEvent[]> {
    return this.#synapse.messages(this.reader, this.room);
  }

  /** Lists the deliveries in the journal, in order. */
  async acks(): Promise<Ack[]> {
    const journal = await Deno.readTextFile(`${this.stateDir}/queue/queue.jsonl`);
    const records = journal.trimEnd().split("\n").map((line) => JSON.parse(line));
    return records.filter(({ t }) => t === "ack").map(({ receipt, via, risk }) => ({ receipt, via, risk }));
  }

  /** Returns the receipts by the id of the entry. */
  async receipts(): Promise<ReadonlyMap<string, string>> {
    const journal = await Deno.readTextFile(`${this.stateDir}/queue/queue.jsonl`);
    const acks = journal.trimEnd().split("\n").map((line) => JSON.parse(line)).filter(({ t }) => t === "ack");
    return new Map(acks.map(({ id, receipt }) => [id, receipt]));
  }

  /** The channel to the room, as in a configuration file. */
  channel(): { readonly homeserver: string; readonly accessToken: string; readonly room: string } {
    return { homeserver: this.#url, accessToken: this.sender.accessToken, room: this.room };
  }

  /** Lists the process ids of the background deliverers. */
  deliverers(): Promise<number[]> {
    return this.#state.processes();
  }

  /** Waits until no background deliverer runs, so that no later event can arrive. */
  async idle(): Promise<void> {
    await until(async () => (await this.deliverers()).length === 0 || undefined, { what: "the deliverer to end" });
  }

  /** Flushes the queue, then waits until no background deliverer runs. */
  async flush(): Promise<void> {
    const { code, stdout, stderr } = await this.run(["flush"]);
    assertEquals(code, 0, stdout + stderr);
    await this.idle();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#state[Symbol.asyncDispose]();
  }
}

/** The parts of a scene. */
interface Parts {
  readonly sender: SynapseUser;
  readonly reader: SynapseUser;
  readonly room: string;
  readonly state: StateFolder;
}

/** Returns the text of an event. */
export function readBody(event: RoomEvent): string {
  return String(event.content.body);
}
