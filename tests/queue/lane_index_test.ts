import { assertEquals } from "@std/assert";
import type { Entry } from "../../src/queue/entry.ts";
import { QueueState } from "../../src/queue/state.ts";
import type { JournalRecord } from "../../src/queue/record.ts";

const enqueue = (id: string, destination: string, more: object = {}): JournalRecord => ({
  ...{ t: "enq", id, time: 1, channel: "matrix", destination, notification: {}, expires: 9 },
  ...more,
} as const);

/** The ids of each lane in the order of the index, and of each lane in the order of arrival. */
function lanesOf(state: QueueState): [string[], string[]] {
  const text = (entries: Iterable<Entry>) => Array.from(entries, ({ id }) => id).join("");
  const indexed = [...state.lanes()].map((lane) => text(lane.values()));
  const scanned = [...Map.groupBy(state.liveEntries(), ({ destination }) => destination).values()].map(text);
  return [indexed.sort(), scanned.sort()];
}

/** Applies records one by one, and compares the index with the entries after each. */
function follow(records: readonly JournalRecord[]): string[] {
  const state = new QueueState();
  for (const record of records) {
    state.apply(record);
    const [indexed, scanned] = lanesOf(state);
    assertEquals(indexed, scanned, record.t);
  }
  return lanesOf(state)[0];
}

const SOME = [enqueue("a", "!1"), enqueue("b", "!2"), enqueue("c", "!1"), enqueue("d", "!1")];
const dead = (id: string, status?: number): JournalRecord => ({ t: "dead", id, time: 1, reason: "x", status });

Deno.test("QueueState.lanes() follows deliveries, attempts, dead letters and retries", () => {
  assertEquals(follow(SOME), ["acd", "b"]);
  assertEquals(follow([...SOME, { t: "att", id: "a", n: 1, time: 1 }, dead("c")]), ["ad", "b"]);
  assertEquals(follow([...SOME, { t: "ack", id: "b", time: 1, receipt: "$", via: "put" }]), ["acd"]);
  assertEquals(
    follow([...SOME, dead("a"), { t: "retry", id: "a", time: 1, expires: 9 }]),
    ["acd", "b"],
    "its position",
  );
  assertEquals(follow([...SOME, { t: "drop", id: "c", time: 1 }]), ["ad", "b"]);
});

Deno.test("QueueState.lanes() follows batches and entries from the spool", () => {
  const batch: JournalRecord = {
    ...{ t: "batch", id: "B", time: 1, channel: "matrix", destination: "!1", members: ["a", "c"] },
  } as const;
  assertEquals(follow([...SOME, batch]), ["Bd", "b"]);
  assertEquals(follow([...SOME, batch, dead("c")]), ["Bd", "b"], "one member");
  assertEquals(follow([...SOME, batch, dead("B", 413)]), ["acd", "b"], "the whole batch");
  const spooled = enqueue("s", "!1", { time: 0, spooled: true });
  assertEquals(follow([...SOME, spooled]), ["b", "sacd"]);
});
