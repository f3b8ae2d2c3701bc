import { assertEquals } from "@std/assert";
import type { JournalRecord } from "../../src/queue/record.ts";
import { MAX_ACK_BYTES, MIN_COMPACTION_BYTES } from "../../src/queue/limits.ts";
import { encodeRecord } from "../../src/queue/journal_line.ts";
import { Queue } from "../../src/queue/queue.ts";
import { QueueState } from "../../src/queue/state.ts";
import { fakeRuntime, TEST_TIME } from "../fakes/runtime.ts";
import { enq as enqueue, fold, nack } from "./records.ts";

/** An entry that is enqueued at the time in its id. */
const enq = (id: string, more: Parameters<typeof enqueue>[1] = {}) =>
  enqueue(id, { time: Number(id.slice(1)), ...more });
const keyed = (id: string, destination = "!a") => enq(id, { key: "disk", replaces: true, destination });

/** The state that a compaction leaves. */
const compacted = (state: QueueState) => fold(...state.snapshot({ time: 100, host: "jump" }));

const ids = (state: QueueState) => state.entries().map(({ id }) => id);

Deno.test("QueueState.apply() replaces what waits in the lane with the same key, and counts it", () => {
  const state = new QueueState();
  state.watch(["e1"]);
  const records = [keyed("e1"), enq("e2"), keyed("e3", "!b"), keyed("e4"), nack("e4", "not-sent"), keyed("e5")];
  for (const record of records) state.apply(record);
  assertEquals(ids(state), ["e2", "e3", "e5"]);
  assertEquals(state.entry("e5")?.replaced, { count: 2, since: 1, fired: 1 });
  assertEquals(state.finalState("e1"), { state: "superseded", by: "e4" });
  assertEquals(compacted(state).entry("e5")?.replaced, { count: 2, since: 1, fired: 1 });
});

Deno.test("QueueState.apply() keeps lanes apart whose channel and destination join to the same text", () => {
  const office = keyed("e1", "Ops A <a@example.org>");
  const officeOps = { ...keyed("e2", "A <a@example.org>"), channel: "office Ops" };
  const state = fold({ ...office, channel: "office" } as JournalRecord, officeOps as JournalRecord);
  assertEquals(ids(state), ["e1", "e2"]);
});

Deno.test("QueueState.apply() replaces no entry that is in doubt, in flight or dead, before a compaction or after it", () => {
  const att: JournalRecord = { t: "att", id: "e1", n: 1, time: 2 };
  for (
    const history of [
      [att],
      [att, nack("e1", "in-doubt")],
      [{ t: "dead", id: "e1", time: 3, reason: "x" } satisfies JournalRecord],
    ]
  ) {
    assertEquals(ids(fold(keyed("e1"), ...history, keyed("e2"))), ["e1", "e2"]);
  }
  const survived = fold(keyed("e1"), att, keyed("e2"), nack("e1", "not-sent"));
  assertEquals(ids(compacted(survived)), ["e1", "e2"]);
});

Deno.test("QueueState.apply() keeps entries with a key if the newer one does not replace", () => {
  assertEquals(ids(fold(enq("e1", { key: "disk" }), enq("e2", { key: "disk" }))), ["e1", "e2"]);
});

async function queueTest(body: (t: { open(): Queue; now(time: number): void }) => Promise<void>) {
  const stateDir = Deno.makeTempDirSync();
  using runtime = fakeRuntime({ realIds: true });
  try {
    await body({
      open() {
        const queue = Queue.open(stateDir, runtime);
        queue.prepare();
        return queue;
      },
      now: (time) => runtime.time = time,
    });
  } finally {
    Deno.removeSync(stateDir, { recursive: true });
  }
}

const request = (idempotencyKey: string, destination = "!a") => ({
  channel: "matrix",
  destination,
  notification: { message: "x".repeat(50_000) },
  expires: TEST_TIME * 2,
  idempotencyKey,
});

const add = async (queue: Queue, ...requests: ReturnType<typeof request>[]) =>
  (await queue.enqueue(requests, () => false)).entries.map(({ id }) => id);

Deno.test("Queue.enqueue() finds a duplicate in its own lane, while the first entry waits and after its delivery", async () => {
  await queueTest(async ({ open }) => {
    const [first] = await add(open(), request("backup"));
    const queue = open();
    const [again, elsewhere] = await add(queue, request("backup"), request("backup", "!b"));
    assertEquals([again, queue.state.liveEntries().length], [first, 2]);
    await queue.recordResult(queue.state.entry(first)!, { state: "delivered", receipt: "$1", via: "put" }, {
      isProof: false,
    });
    const later = open();
    assertEquals(await add(later, request("backup"), request("backup", "!b")), [first, elsewhere]);
    assertEquals(later.state.finalState(first), { state: "delivered", receipt: "$1" });
    assertEquals(later.state.liveEntries().length, 1);
  });
});

Deno.test("Queue.enqueue() by two processes at once with one idempotency key makes one entry, and returns it to both", async () => {
  await queueTest(async ({ open }) => {
    const [one, two] = [open(), open()];
    const [[a], [b]] = await Promise.all([add(one, request("backup")), add(two, request("backup"))]);
    assertEquals([a, open().state.liveEntries().length], [b, 1]);
  });
});

Deno.test("Queue.enqueue() knows an idempotency key for seven days across compactions, and frees that of a dropped entry", async () => {
  await queueTest(async ({ open, now }) => {
    const queue = open();
    const [first] = await add(queue, request("backup"));
    const rest = await add(queue, ...["a", "b", "c", "d", "e", "f"].map((name) => request(name)));
    for (const id of [first, ...rest]) {
      await queue.recordResult(queue.state.entry(id)!, { state: "delivered", receipt: `$${id}`, via: "put" }, {
        isProof: false,
      });
    }
    now(TEST_TIME + 6 * 86_400_000);
    assertEquals(await queue.compact(), true);
    assertEquals(await add(open(), request("backup")), [first]);
    const [dropped] = await add(queue, request("mistake"));
    await queue.drop([queue.state.entry(dropped)!]);
    assertEquals((await add(open(), request("mistake")))[0] === dropped, false);
  });
});

/** The record of a delivery that keeps an idempotency key. */
const namedAck = (at: number): JournalRecord => ({
  t: "ack",
  id: `e${at}`,
  time: TEST_TIME,
  receipt: `$${at}`,
  via: "put",
  idempotencyKey: `id ${at}`,
  channel: "matrix",
  destination: "!a",
});

Deno.test("QueueState.findDuplicate() forgets the oldest deliveries when there are too many", () => {
  const state = new QueueState(), bytes = 4096, most = MAX_ACK_BYTES / bytes;
  const find = (at: number) =>
    state.findDuplicate({ channel: "matrix", destination: "!a", idempotencyKey: `id ${at}` })?.receipt;
  for (let at = 0; at < most; at++) state.apply(namedAck(at), bytes);
  assertEquals([find(0), state.keptBytes], ["$0", MAX_ACK_BYTES]);
  for (let at = most; at < most + 3; at++) state.apply(namedAck(at), bytes);
  assertEquals([find(0), find(2), find(3), find(most + 2)], [undefined, undefined, "$3", `$${most + 2}`]);
  assertEquals([state.forgottenAcks, state.keptBytes], [3, MAX_ACK_BYTES]);
});

Deno.test("Queue.compact() removes old acknowledgements with an idempotency key from a full queue", async () => {
  const stateDir = Deno.makeTempDirSync();
  using runtime = fakeRuntime({ realIds: true });
  try {
    const queue = Queue.open(stateDir, runtime);
    queue.prepare();
    const path = `${queue.directory}/queue.jsonl`, line = encodeRecord(namedAck(0)).length;
    const count = Math.ceil(3 * MAX_ACK_BYTES / line);
    Deno.writeFileSync(
      path,
      Uint8Array.from(function* () {
        for (let at = 0; at < count; at++) yield* encodeRecord(namedAck(at));
      }()),
    );
    queue.refresh();
    assertEquals(await queue.compact(), true);
    const size = Deno.statSync(path).size;
    assertEquals([size > MIN_COMPACTION_BYTES, size <= MAX_ACK_BYTES + 1024], [true, true]);
    const known = { channel: "matrix", destination: "!a", idempotencyKey: `id ${count - 1}` };
    assertEquals(Queue.open(stateDir, runtime).state.findDuplicate(known)?.receipt, `$${count - 1}`);
  } finally {
    Deno.removeSync(stateDir, { recursive: true });
  }
});
