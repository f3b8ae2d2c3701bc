import { assertEquals } from "@std/assert";
import { Queue } from "../../src/queue/queue.ts";
import type { JournalRecord } from "../../src/queue/record.ts";
import type { QueueState } from "../../src/queue/state.ts";
import { fakeRuntime, TEST_TIME } from "../fakes/runtime.ts";
import { ack, att, enq, fold, nack } from "./records.ts";

const batch = (id: string, ...members: string[]): JournalRecord => ({
  t: "batch",
  id,
  time: 35,
  channel: "matrix",
  destination: "!a",
  members,
});

/** `a D(b c) e`. */
function shape(state: QueueState): string {
  return state.entries().map(({ id, members, dead }) =>
    `${id}${dead ? "†" : ""}${members ? `(${members.map((member) => member.id).join(" ")})` : ""}`
  ).join(" ");
}

const five = ["a", "b", "c", "d", "e"].map((id) => enq(id));

Deno.test("QueueState.apply() puts a batch at the position of its first member, and still finds its members", () => {
  const state = fold(...five, batch("D", "b", "d"));
  assertEquals(shape(state), "a D(b d) c e");
  assertEquals([state.entry("d")?.notification, state.findBatch("d")?.id], [{ id: "d" }, "D"]);
  assertEquals([state.entry("D")?.time, state.entry("D")?.expires], [10, 1000]);
});

Deno.test("QueueState.apply() batches only what waits in the lane and cannot have been delivered", () => {
  const state = fold(
    ...five,
    enq("f", { destination: "!b" }),
    att("a"),
    att("b"),
    nack("b", "in-doubt"),
    { t: "dead", id: "c", time: 30, reason: "d" },
    att("d"),
    nack("d", "rate-limited"),
    batch("D", "a", "b", "c", "d", "e", "f", "unknown", "e"),
    batch("E", "D", "a"),
    batch("D", "f"),
  );
  assertEquals(shape(state), "a b c† D(d e) f");
});

Deno.test("QueueState.apply() delivers all members of a batch by one acknowledgement", () => {
  const state = fold(
    ...five,
    batch("D", "b", "c", "d"),
    att("D"),
    ack("b", { receipt: "$D" }),
    ack("D", { possibleDuplicate: true }),
  );
  assertEquals(shape(state), "a e");
  assertEquals(["b", "c", "d"].map((id) => state.finalState(id)), Array(3).fill({ state: "delivered", receipt: "$D" }));
  assertEquals([state.possibleDuplicates, state.keptBytes], [1, 400]);
  assertEquals(state.recentDeliveries({ channel: "matrix", destination: "!a" }), Array(20).fill(40));
});

Deno.test("QueueState.apply() keeps a batch whole if only acknowledgements of its members are left", () => {
  const state = fold(enq("a", { idempotencyKey: "name" }), enq("b"), batch("D", "a", "b"), att("D"), {
    t: "ack",
    id: "a",
    time: 40,
    receipt: "$D",
    via: "put",
    idempotencyKey: "name",
    channel: "matrix",
    destination: "!a",
  });
  assertEquals(shape(state), "D(a b)");
  assertEquals(state.findDuplicate({ channel: "matrix", destination: "!a", idempotencyKey: "name" })?.receipt, "$D");
});

Deno.test("QueueState.apply() delivers the members of a rejected batch one by one, at its position, from then on", () => {
  const refusal: JournalRecord = { t: "dead", id: "D", time: 40, reason: "too large", status: 413 };
  const state = fold(...five, batch("D", "b", "d"), att("D"), refusal, batch("E", "b", "d"));
  assertEquals(shape(state), "a b d c e");
  assertEquals([state.finalState("b"), state.entry("b")?.noBatch, state.keptBytes], [undefined, true, 500]);
});

Deno.test("QueueState.apply() hands the doubt about a rejected batch over to its members", () => {
  const refusal: JournalRecord = { t: "dead", id: "D", time: 40, reason: "too large", status: 413 };
  const state = fold(...five, batch("D", "b"), att("D"), nack("D", "in-doubt"), att("D"), refusal);
  assertEquals([state.entry("b")?.inDoubt !== undefined, state.possibleDuplicates], [true, 0]);
});

Deno.test("QueueState.apply() takes a batch apart that was not sent, and keeps one that may have arrived", () => {
  const state = fold(...five, batch("D", "b", "d"), att("D"), nack("D", "not-sent"));
  const { attempts, wait, noBatch } = state.entry("d") ?? {};
  assertEquals([shape(state), attempts, wait?.class, noBatch], ["a b d c e", 1, "not-sent", undefined]);
  assertEquals([
    state.keptBytes,
    shape(fold(...five, batch("D", "b", "d"), att("D"), nack("D", "not-sent"), batch("E", "a", "b", "d", "c"))),
  ], [
    500,
    "E(a b d c) e",
  ]);
  for (const failure of ["in-doubt", "rate-limited"] as const) {
    assertEquals(shape(fold(...five, batch("D", "b", "d"), att("D"), nack("D", failure))), "a D(b d) c e");
  }
  const doubted = [att("D"), nack("D", "in-doubt"), att("D"), nack("D", "not-sent")];
  assertEquals(shape(fold(...five, batch("D", "b", "d"), ...doubted)), "a D(b d) c e");
});

Deno.test("QueueState.apply() moves a single member to the dead letters, and its batch continues without it", () => {
  const expire = (id: string): JournalRecord => ({ t: "dead", id, time: 40, reason: "late", expired: true });
  assertEquals(shape(fold(...five, batch("D", "b", "c"), expire("c"))), "a c† D(b) d e");
  const state = fold(...five, batch("D", "b", "c"), expire("b"), expire("c"));
  assertEquals([shape(state), state.keptBytes], ["a b† c† d e", 500]);
  assertEquals(state.finalState("c"), { state: "dead", reason: "late" });
});

Deno.test("QueueState.apply() drops a member, or a batch with all of its members", () => {
  const drop = (id: string): JournalRecord => ({ t: "drop", id, time: 40 });
  const one = fold(...five, batch("D", "b", "c"), drop("b"));
  assertEquals([shape(one), one.finalState("b")], ["a D(c) d e", { state: "dropped" }]);
  const last = fold(...five, batch("D", "b"), drop("b"));
  assertEquals([shape(last), last.keptBytes], ["a c d e", 400]);
  const all = fold(...five, batch("D", "b", "c"), drop("D"));
  assertEquals([shape(all), all.finalState("c"), all.keptBytes], ["a d e", { state: "dropped" }, 300]);
});

Deno.test("QueueState.apply() retries the whole batch when one of its members is retried", () => {
  const state = fold(...five, batch("D", "b", "c"), att("D"), nack("D", "rate-limited"), {
    t: "retry",
    id: "c",
    time: 40,
    expires: 9000,
  });
  const { wait, forced, expires } = state.entry("D") ?? {};
  assertEquals([wait, forced, expires, state.entry("b")?.expires], [undefined, true, 9000, 1000]);
});

Deno.test("Queue.recordResult() remembers the idempotency keys of a batch's members after the journal is read again, and compacted", async () => {
  const stateDir = Deno.makeTempDirSync();
  using runtime = fakeRuntime({ realIds: true });
  try {
    const queue = Queue.open(stateDir, runtime);
    queue.prepare();
    const request = (idempotencyKey: string, message = "") => ({
      channel: "matrix",
      destination: "!a",
      notification: { message },
      expires: TEST_TIME * 2,
      idempotencyKey,
    });
    const { entries } = await queue.enqueue([request("one"), request("two", "x".repeat(50_000))], () => false);
    await queue.enqueue(Array.from({ length: 6 }, (_, at) => request(`big ${at}`, "x".repeat(50_000))), () => false);
    await queue.batch([{ entries: queue.state.liveEntries() }]);
    await queue.recordResult(queue.state.liveEntries()[0], { state: "delivered", receipt: "$D", via: "put" }, {
      isProof: false,
    });
    assertEquals(entries.map(({ id }) => queue.state.finalState(id)), [
      { state: "delivered", receipt: "$D" },
      { state: "delivered", receipt: "$D" },
    ]);
    assertEquals([await queue.compact(), queue.state.liveEntries().length], [true, 0]);
    const fresh = Queue.open(stateDir, runtime);
    const again = await fresh.enqueue([request("two")], () => false);
    assertEquals([again.entries[0].id, fresh.state.liveEntries().length], [entries[1].id, 0]);
  } finally {
    Deno.removeSync(stateDir, { recursive: true });
  }
});
