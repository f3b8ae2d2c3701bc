import { assertEquals } from "@std/assert";
import { Queue } from "../../src/queue/queue.ts";
import type { JournalRecord } from "../../src/queue/record.ts";
import type { QueueState } from "../../src/queue/state.ts";
import { fakeRuntime, TEST_TIME } from "../fakes/runtime.ts";
import { ack, att, enq, fold, nack } from "./records.ts";

const fallback = (
  id: string,
  fallbackFor: Record<string, number>,
  more: Parameters<typeof enq>[1] = {},
): JournalRecord => enq(id, { channel: "phone", destination: "alerts", fallbackFor, ...more });
const dead = (id: string): JournalRecord => ({ t: "dead", id, time: 40, reason: "x", status: 413 });
const batch = (id: string, channel: string, ...members: string[]): JournalRecord => ({
  t: "batch",
  id,
  time: 35,
  channel,
  destination: channel === "phone" ? "alerts" : "!a",
  members,
});

/**
 * The entries, with what fallbacks wait for: `p f{p:60}`. A dead letter has a cross, a batch its
 * members.
 */
function shape(state: QueueState): string {
  const one = (id: string): string => {
    const { fallbackFor, dead } = state.entry(id) ?? {};
    const waits = fallbackFor && Object.entries(fallbackFor).map(([primary, until]) => `${primary}:${until}`).join(",");
    return `${id}${dead ? "†" : ""}${waits === undefined ? "" : `{${waits}}`}`;
  };
  return state.entries().map(({ id, members }) =>
    members ? `${id}(${members.map((member) => one(member.id)).join(" ")})` : one(id)
  ).join(" ");
}

const two = [enq("p"), fallback("f", { p: 60 })];

Deno.test("QueueState.apply() cancels a fallback when its primary is delivered or dropped", () => {
  assertEquals(shape(fold(...two)), "p f{p:60}");
  for (const end of [ack("p"), { t: "drop", id: "p", time: 40 } as const]) {
    const state = fold(...two, end);
    assertEquals([shape(state), state.finalState("f"), state.keptBytes], [
      "",
      { state: "cancelled" },
      end.t === "ack" ? 100 : 0,
    ]);
  }
});

Deno.test("QueueState.apply() keeps a fallback that resolves an incident which its lane has reported", () => {
  const fired = [enq("p", { key: "k", title: "x" }), fallback("f", { p: 60 }, { key: "k", title: "x" })];
  const over = [
    enq("q", { key: "k", title: "x", resolves: true }),
    fallback("g", { q: 90 }, { key: "k", title: "x", resolves: true }),
  ];
  assertEquals(shape(fold(...fired, ack("f"), ack("p"), ...over, ack("q"))), "g{}");
  assertEquals(shape(fold(...fired, ack("f"), ack("p"), ...over, ack("q"), att("g"), nack("g", "in-doubt"))), "g{}");
  assertEquals(shape(fold(...fired, ack("f"), ack("p"), ...over, ack("q"), ack("g"))), "");
  assertEquals(shape(fold(...fired, ack("p"), ...over, ack("q"))), "", "its lane has reported no incident");
});

Deno.test("QueueState.apply() makes a fallback due when its primary becomes a dead letter", () => {
  assertEquals(shape(fold(...two, dead("p"))), "p† f{p:0}");
});

Deno.test("QueueState.apply() cancels a fallback after a failed attempt, and in a batch, but none in flight", () => {
  assertEquals(shape(fold(...two, att("f"), nack("f", "in-doubt"), ack("p"))), "");
  const inFlight = fold(...two, att("f"), ack("p"));
  assertEquals(shape(inFlight), "f{}");
  for (const end of [nack("f", "in-doubt"), ack("f")]) {
    const state = fold(...two, att("f"), ack("p"), end);
    assertEquals([shape(state), state.finalState("f")?.state], ["", end.t === "ack" ? "delivered" : "cancelled"]);
  }
  assertEquals(
    shape(fold(...two, att("f"), ack("p"), { ...nack("f", "in-doubt"), class: "withdrawn" } as JournalRecord)),
    "",
  );

  const others = [...two, fallback("g", { q: 60 }), batch("D", "phone", "f", "g")];
  assertEquals(shape(fold(...others)), "p D(f{p:60} g{q:60})");
  assertEquals(shape(fold(...others, ack("p"))), "D(g{q:60})");
  assertEquals(shape(fold(...others, att("D"), ack("p"))), "D(f{} g{q:60})");
  assertEquals(shape(fold(...others, att("D"), ack("p"), nack("D", "in-doubt"))), "D(g{q:60})");
  assertEquals(shape(fold(...others, att("D"), ack("p"), dead("D"))), "g{q:60}");
});

Deno.test("QueueState.apply() cancels the fallback of each member of a delivered batch", () => {
  const batched = [...two, enq("q"), fallback("g", { q: 70 }), batch("D", "matrix", "p", "q")];
  assertEquals(shape(fold(...batched)), "D(p q) f{p:60} g{q:70}");
  assertEquals(shape(fold(...batched, att("D"), ack("D"))), "");
  assertEquals(shape(fold(...batched, att("D"), dead("D"))), "p q f{p:60} g{q:70}");
});

Deno.test("QueueState.apply() keeps a fallback until the last of its primaries is delivered", () => {
  const both = [enq("p"), enq("q", { destination: "!b" }), fallback("f", { p: 60, q: 90 })];
  assertEquals(shape(fold(...both, ack("p"))), "q f{q:90}");
  assertEquals(shape(fold(...both, ack("p"), ack("q"))), "");
});

Deno.test("QueueState.apply() makes a fallback wait for the entry that replaced its primary, and no longer", () => {
  const news = { key: "disk", replaces: true } as const;
  const first = [enq("p", news), fallback("f", { p: 60 }, news), enq("q", news)];
  assertEquals(shape(fold(...first)), "f{q:60} q");
  assertEquals(shape(fold(...first, ack("q"))), "");
  assertEquals(shape(fold(...first, fallback("g", { q: 80 }, news))), "q g{q:60}");
});

Deno.test("QueueState.apply() cancels no fallback that was retried by hand, and no dead letter", () => {
  const retry: JournalRecord = { t: "retry", id: "f", time: 20, expires: 1000 };
  assertEquals(shape(fold(...two, retry, ack("p"))), "f{}");
  assertEquals(shape(fold(...two, dead("f"), ack("p"))), "f†{}");
});

Deno.test("QueueState.snapshot() folds to the same fallbacks", () => {
  const histories = [
    [...two, dead("p")],
    [...two, att("f"), ack("p")],
    [...two, fallback("g", { q: 60 }), batch("D", "phone", "f", "g"), att("D"), ack("p")],
  ];
  for (const records of histories) {
    const state = fold(...records);
    const again = fold(...state.snapshot({ time: 50, host: "jump" }));
    assertEquals(shape(again), shape(state));
    assertEquals(
      shape(fold(...state.snapshot({ time: 50, host: "jump" }), nack("f", "in-doubt"))),
      shape(fold(...records, nack("f", "in-doubt"))),
    );
  }
});

Deno.test("Queue.enqueue() enqueues a fallback with its primary in one synced write, and not twice with one idempotency key", async () => {
  const stateDir = Deno.makeTempDirSync();
  using runtime = fakeRuntime();
  try {
    const queue = Queue.open(stateDir, runtime);
    queue.prepare();
    const more = { notification: {}, expires: TEST_TIME * 2, idempotencyKey: "backup" };
    const primary = { channel: "matrix", destination: "!a", ...more };
    const standIn = {
      channel: "phone",
      destination: "alerts",
      primaries: [{ request: primary, afterMs: 600_000 }],
      ...more,
    };
    const { entries: [p, f] } = await queue.enqueue([primary, standIn], () => true);
    assertEquals([f.fallbackFor, p.inFlight?.n, f.inFlight], [{ [p.id]: TEST_TIME + 600_000 }, 1, undefined]);
    await queue.recordResult(p, { state: "delivered", receipt: "$1", via: "put" }, { isProof: false });
    assertEquals(queue.state.entries(), []);
    const { entries } = await queue.enqueue([primary, standIn], () => true);
    assertEquals([entries.length, queue.state.entries()], [1, []]);
  } finally {
    Deno.removeSync(stateDir, { recursive: true });
  }
});

Deno.test("Queue.announce() skips an entry that was cancelled meanwhile", async () => {
  const stateDir = Deno.makeTempDirSync();
  using runtime = fakeRuntime();
  try {
    const queue = Queue.open(stateDir, runtime);
    queue.prepare();
    const more = { notification: {}, expires: TEST_TIME * 2 };
    const primary = { channel: "matrix", destination: "!a", ...more };
    const standIn = { channel: "phone", destination: "alerts", primaries: [{ request: primary, afterMs: 1 }], ...more };
    const { entries: [p, f] } = await queue.enqueue([primary, standIn], () => true);
    await queue.recordResult(p, { state: "delivered", receipt: "$1", via: "put" }, { isProof: false });
    assertEquals([await queue.announce([f]), queue.state.entries()], [[], []]);
  } finally {
    Deno.removeSync(stateDir, { recursive: true });
  }
});
