import { assertEquals, assertRejects } from "@std/assert";
import { StorageError } from "../../src/base/errors.ts";
import type { Channel, Receipt, SendOptions } from "../../src/channels/channel.ts";
import { Announcements } from "../../src/delivery/announcements.ts";
import { AttemptGroup } from "../../src/delivery/attempt_group.ts";
import { createNotification } from "../../src/notification/notification.ts";
import type { Entry } from "../../src/queue/entry.ts";
import { Queue } from "../../src/queue/queue.ts";
import { fakeRuntime, TEST_TIME } from "../fakes/runtime.ts";

/** Sends the notification with this number. */
type Send = (number: number, options: SendOptions, scene: Scene) => Promise<Receipt> | Receipt;

interface Situation {
  readonly isIdempotent?: boolean;
  /** The keys of the four entries. */
  readonly keys?: readonly (string | undefined)[];
}

/** A queue with four announced entries, and a group that sends them. */
class Scene implements Disposable {
  readonly events: string[] = [];
  readonly stop = new AbortController();
  readonly #stateDir = Deno.makeTempDirSync();
  readonly #runtime = fakeRuntime();
  readonly queue = Queue.open(this.#stateDir, this.#runtime);
  #ids: readonly string[] = [];
  #before = 0;
  /** Ends the time after which deliveries must be recorded. */
  #endSleep: () => void = () => {};

  static async open(send: Send, { isIdempotent = true, keys = [] }: Situation = {}) {
    const scene = new Scene();
    const { queue } = scene;
    queue.prepare();
    const requests = [1, 2, 3, 4].map((number, at) => {
      const notification = createNotification({ subject: String(number) }, TEST_TIME);
      return { channel: "m", destination: "!a", notification, expires: 9e12, key: keys[at], title: keys[at] };
    });
    const { entries } = await queue.enqueue(requests, () => true);
    scene.#ids = entries.map(({ id }) => id);
    scene.#before = Deno.statSync(scene.#path).size;
    const channel: Channel = {
      ...{ name: "m", kind: "x", isIdempotent, destinations: ["!a"], hasRoomFor: () => true },
      send: async (_, options) => await send(scene.#number(options.txnId), options, scene),
    };
    const { now, random, timeout } = scene.#runtime;
    const announcements = new Announcements(queue);
    announcements.adopt(entries);
    const group = new AttemptGroup({
      queue,
      runtime: { now, random, timeout, sleep: (_, signal) => scene.#sleep(signal) },
      channelOf: () => channel,
      shortcodes: false,
      files: undefined,
      announcements,
      isStopped: () => false,
      onEvent: ({ entry, result }) => scene.events.push(`${scene.#number(entry.id)} ${result.state}`),
      deadline: undefined,
      signal: scene.stop.signal,
    });
    return { scene, send: (some: readonly Entry[] = entries) => group.send(some), entries };
  }

  /** The records that were written since the entries were announced. */
  records(): string[] {
    const text = new TextDecoder().decode(Deno.readFileSync(this.#path).subarray(this.#before));
    const records = text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
    return records.map(({ t, id }) => `${t} ${this.#number(id)}`);
  }

  /** Lets the time pass after which deliveries must be recorded. */
  async passTime(): Promise<void> {
    this.#endSleep();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }

  [Symbol.dispose](): void {
    this.#runtime[Symbol.dispose]();
    Deno.removeSync(this.#stateDir, { recursive: true });
  }

  get #path(): string {
    return `${this.queue.directory}/queue.jsonl`;
  }

  #number(id: string): number {
    return 1 + this.#ids.indexOf(id);
  }

  #sleep(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#endSleep = resolve;
      signal?.addEventListener("abort", () => resolve());
    });
  }
}

const ALL = [1, 2, 3, 4];
const refused = () => Promise.reject(new Error("refused"));

Deno.test("AttemptGroup.send() records the deliveries of a group together, at its end", async () => {
  const seen: number[] = [];
  const { scene, send } = await Scene.open((number) => {
    seen.push(scene.records().length);
    return { id: `$${number}` };
  });
  using _ = scene;
  assertEquals(await send(), true);
  assertEquals(seen, [0, 0, 0, 0]);
  assertEquals(scene.records(), ALL.map((number) => `ack ${number}`));
  assertEquals(scene.events, ALL.map((number) => `${number} delivered`));
  assertEquals(scene.queue.state.liveEntries(), []);
});

Deno.test("AttemptGroup.send() records deliveries before a failure, and ends", async () => {
  const { scene, send } = await Scene.open((number) => number === 3 ? refused() : { id: `$${number}` });
  using _ = scene;
  assertEquals(await send(), false);
  assertEquals(scene.records(), ["ack 1", "ack 2", "nack 3"]);
  assertEquals(scene.events, ["1 delivered", "2 delivered", "3 failed"]);
});

Deno.test("AttemptGroup.send() records deliveries while a later attempt takes long", async () => {
  let meanwhile: string[] = [];
  const { scene, send } = await Scene.open(async (number, _, scene) => {
    if (number === 3) {
      await scene.passTime();
      meanwhile = scene.records();
    }
    return { id: `$${number}` };
  });
  using _ = scene;
  assertEquals(await send(), true);
  assertEquals(meanwhile, ["ack 1", "ack 2"]);
  assertEquals(scene.records(), ALL.map((number) => `ack ${number}`));
});

Deno.test("AttemptGroup.send() records deliveries when a signal stops an attempt", async () => {
  const { scene, send } = await Scene.open((number, _, scene) => {
    if (number === 2) scene.stop.abort(new Error("stopped"));
    return number === 2 ? refused() : { id: `$${number}` };
  });
  using _ = scene;
  await assertRejects(() => send(), Error, "stopped");
  assertEquals(scene.records(), ["ack 1"]);
});

Deno.test("AttemptGroup.send() records each delivery at once if its service does not recognize a repeated one", async () => {
  const seen: number[] = [];
  const { scene, send } = await Scene.open((number) => {
    seen.push(scene.records().length);
    return { id: `$${number}` };
  }, { isIdempotent: false });
  using _ = scene;
  await send();
  assertEquals(seen, [0, 1, 2, 3]);
});

Deno.test("AttemptGroup.send() knows the incident that a delivery before opened", async () => {
  const incidents: (string | undefined)[] = [];
  const { scene, send } = await Scene.open((number, { incident }) => {
    incidents.push(incident?.receipt);
    return { id: `$${number}` };
  }, { keys: ["disk", undefined, "disk", "other"] });
  using _ = scene;
  await send();
  assertEquals(incidents, [undefined, undefined, "$1", undefined]);
});

Deno.test("AttemptGroup.send() fails if a record cannot be written during an attempt, and starts no other", async () => {
  const sent: number[] = [];
  const { scene, send } = await Scene.open(async (number, _, scene) => {
    sent.push(number);
    if (number === 2) {
      Deno.removeSync(scene.queue.directory, { recursive: true });
      Deno.writeTextFileSync(scene.queue.directory, "a file in the place of a directory");
      await scene.passTime();
    }
    return { id: `$${number}` };
  });
  using _ = scene;
  await assertRejects(() => send(), StorageError);
  assertEquals(sent, [1, 2]);
});
