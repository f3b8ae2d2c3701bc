/**
 * A room on a real homeserver, the sender's command line and the reader's eyes; all of it belongs to one test.
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

/** What the queue has written down about a delivery. */
export interface Ack {
  /** The event's id. */
  readonly receipt: string;
  /** How we know. */
  readonly via: "put" | "read-back";
  /** Whether there may be another copy. */
  readonly risk?: true;
}

/** How a desk is opened. */
export interface DeskOptions {
  /** The localparts of its users begin with it; each desk needs a name of its own. */
  readonly name: string;
  /** Where the command line finds the homeserver; its own address by default. */
  readonly url?: string;
}

/** Two users, their private room, and a state directory. */
export class Desk implements AsyncDisposable {
  /** Whose token the command line has. */
  readonly sender: SynapseUser;
  /** The room's id. */
  readonly room: string;
  /** Who else is in the room. */
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
      MATRIX_NOTIFY_CONFIG: parts.state.withoutDigests(),
      MATRIX_HOMESERVER: url,
      MATRIX_ACCESS_TOKEN: parts.sender.accessToken,
      MATRIX_ROOM: parts.room,
    };
  }

  /** Registers the users, who meet in the room. */
  static async open(synapse: Synapse, { name, url = synapse.url }: DeskOptions): Promise<Desk> {
    const sender = await synapse.registerUser(`${name}-sender`);
    const reader = await synapse.registerUser(`${name}-reader`);
    const room = await synapse.createRoom(sender, { invite: [reader] });
    await synapse.joinRoom(reader, room);
    return new Desk(synapse, { sender, reader, room, state: await StateFolder.make() }, url);
  }

  /** The state directory. */
  get stateDir(): string {
    return this.#state.path;
  }

  /** Runs the command line. */
  run(args: readonly string[], stdin?: string, env: Readonly<Record<string, string>> = {}): Promise<CliResult> {
    return runCli(args, { stateDir: this.stateDir, env: { ...this.#env, ...env }, stdin });
  }

  /** What is in the room, as the other user sees it, oldest first. */
  read(): Promise<RoomEvent[]> {
    return this.#synapse.messages(this.reader, this.room);
  }

  /** What is acknowledged, in the order of delivery. */
  async acks(): Promise<Ack[]> {
    const journal = await Deno.readTextFile(`${this.stateDir}/queue/queue.jsonl`);
    const records = journal.trimEnd().split("\n").map((line) => JSON.parse(line));
    return records.filter(({ t }) => t === "ack").map(({ receipt, via, risk }) => ({ receipt, via, risk }));
  }

  /** The proof of delivery by the id of what was delivered. */
  async receipts(): Promise<ReadonlyMap<string, string>> {
    const journal = await Deno.readTextFile(`${this.stateDir}/queue/queue.jsonl`);
    const acks = journal.trimEnd().split("\n").map((line) => JSON.parse(line)).filter(({ t }) => t === "ack");
    return new Map(acks.map(({ id, receipt }) => [id, receipt]));
  }

  /** The channel that leads to the room, as a configuration has it. */
  channel(): { readonly homeserver: string; readonly accessToken: string; readonly room: string } {
    return { homeserver: this.#url, accessToken: this.sender.accessToken, room: this.room };
  }

  /** The ids of the deliverers in the background. */
  deliverers(): Promise<number[]> {
    return this.#state.processes();
  }

  /** Resolves when nobody delivers in the background any more, so that nothing can come twice later. */
  async idle(): Promise<void> {
    await until(async () => (await this.deliverers()).length === 0 || undefined, { what: "the deliverer to end" });
  }

  /** Has everything delivered that waits, and resolves when nobody is left who could deliver more. */
  async flush(): Promise<void> {
    const { code, stdout, stderr } = await this.run(["flush"]);
    assertEquals(code, 0, stdout + stderr);
    await this.idle();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#state[Symbol.asyncDispose]();
  }
}

/** What a desk is made of. */
interface Parts {
  readonly sender: SynapseUser;
  readonly reader: SynapseUser;
  readonly room: string;
  readonly state: StateFolder;
}

/** The text of an event. */
export function bodyOf(event: RoomEvent): string {
  return String(event.content.body);
}
