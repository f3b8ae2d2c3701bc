import { assertEquals, assertRejects } from "@std/assert";
import { Queue } from "../../src/queue/queue.ts";
import { QueueState } from "../../src/queue/state.ts";
import { Watches } from "../../src/queue/watches.ts";
import { fakeRuntime, TEST_TIME } from "../fakes/runtime.ts";
import { ack, enq } from "./records.ts";

const DELIVERED = { state: "delivered", receipt: "$a" } as const;

Deno.test("Watches.watch() remembers a final state until the last call ends its watch", () => {
  const watches = new Watches();
  const first = watches.watch(["a", "b"]);
  const second = watches.watch(["a"]);
  watches.conclude("a", DELIVERED);
  watches.conclude("c", { state: "dropped" });
  assertEquals(["a", "b", "c"].map((id) => watches.finalState(id)), [DELIVERED, undefined, undefined]);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  assertEquals([watches.size, watches.finalState("a")], [1, DELIVERED]);
  second[Symbol.dispose]();
  assertEquals([watches.size, watches.finalState("a")], [0, undefined]);
});

Deno.test("Watches.watch() stores a final state that is already known", () => {
  const watches = new Watches();
  using _known = watches.watch(["a"], DELIVERED);
  using _other = watches.watch(["a"]);
  assertEquals(watches.finalState("a"), DELIVERED);
});

Deno.test("QueueState.watch() continues in the successor of the state, and ends there", () => {
  const state = new QueueState();
  const watch = state.watch(["a"]);
  const next = state.successor();
  next.apply(enq("a"));
  next.apply(ack("a"));
  assertEquals(next.finalState("a"), DELIVERED);
  watch[Symbol.dispose]();
  assertEquals([next.watchedCount, next.finalState("a")], [0, undefined]);
});

Deno.test("Queue.enqueue() watches its entries and their duplicates until the watch is disposed of", async () => {
  const stateDir = Deno.makeTempDirSync();
  try {
    using runtime = fakeRuntime({ realIds: true });
    const queue = Queue.open(stateDir, runtime);
    queue.prepare();
    const request = (idempotencyKey?: string) => ({
      ...{ channel: "matrix", destination: "!a", notification: {}, expires: TEST_TIME * 2 },
      idempotencyKey,
    });
    const enqueue = (...keys: (string | undefined)[]) => queue.enqueue(keys.map(request), () => true);
    const first = await enqueue("one");
    const [entry] = first.entries;
    await queue.recordResult(entry, { state: "delivered", receipt: "$a", via: "put" }, { isProof: false });
    assertEquals(queue.state.finalState(entry.id), DELIVERED);
    first.watch[Symbol.dispose]();
    assertEquals(queue.state.watchedCount, 0);
    const again = await enqueue("one", undefined);
    assertEquals([again.entries[0].id, queue.state.finalState(entry.id)], [entry.id, DELIVERED]);
    assertEquals(queue.state.watchedCount, 2);
    again.watch[Symbol.dispose]();
    assertEquals(queue.state.watchedCount, 0);
    const fail = () => {
      throw new Error("leavesNow failed");
    };
    await assertRejects(() => queue.enqueue([request("two")], fail), Error, "leavesNow failed");
    assertEquals(queue.state.watchedCount, 0);
  } finally {
    Deno.removeSync(stateDir, { recursive: true });
  }
});
