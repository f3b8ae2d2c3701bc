import { assertEquals } from "@std/assert";
import type { Policies } from "../../src/delivery/delays.ts";
import { Schedule } from "../../src/delivery/schedule.ts";
import { createNotification } from "../../src/notification/notification.ts";
import type { Entry, Lane } from "../../src/queue/entry.ts";
import { LaneIndex } from "../../src/queue/lane_index.ts";
import type { Wait } from "../../src/queue/record.ts";
import { TEST_TIME } from "../fakes/runtime.ts";

function entry(id: string, destination: string, more: Partial<Entry> = {}): Entry {
  const notification = createNotification({ subject: id }, TEST_TIME);
  const rest = { channel: "matrix", time: TEST_TIME, expires: TEST_TIME * 2, bytes: 0, attempts: 0 };
  return { id, destination, notification, ...rest, ...more };
}

/** A wait that was decided some seconds after the start and ends some seconds after it. */
function wait(since: number, next: number): Wait {
  const at = (seconds: number) => TEST_TIME + seconds * 1000;
  return { class: "destination", reason: "x", since: at(since), next: at(next), notBefore: 0 };
}

interface Situation {
  readonly channelWait?: Wait;
  readonly policies?: Policies;
  readonly deliveries?: readonly number[];
}

/** The schedule 10 seconds after the start. */
function schedule(entries: readonly Entry[], { channelWait, policies, deliveries = [] }: Situation = {}): Schedule {
  const index = new LaneIndex(entries);
  const queue = {
    eachLive: () => entries.values(),
    lanes: () => index.lanes(),
    lane: (lane: Lane) => index.lane(lane),
    entry: (id: string) => entries.find((one) => one.id === id),
    recentDeliveries: () => deliveries,
    channelState: () => ({ wait: channelWait }),
  };
  return new Schedule(TEST_TIME + 10_000, queue, { policies, isConfigured: (channel) => channel !== "gone" });
}

const ids = (entries: readonly Entry[]) => entries.map(({ id }) => id);
const heads = (one: Schedule) => one.heads().map(({ entry, ready }) => [entry.id, ready && (ready - TEST_TIME) / 1000]);

Deno.test("Schedule.heads() finds the first entry of each lane, and when it is due", () => {
  const entries = [entry("1", "!a", { wait: wait(0, 60) }), entry("2", "!a"), entry("3", "!b")];
  assertEquals(heads(schedule(entries)), [["1", 60], ["3", 0]]);
  assertEquals(heads(schedule(entries, { channelWait: wait(0, 30) })), [["1", 60], ["3", 30]]);
  assertEquals(heads(schedule([entry("4", "!a", { channel: "gone" })])), []);
});

Deno.test("Schedule.heads() passes delayed entries over, unless the whole lane is delayed", () => {
  const fallback = entry("f", "!a", { fallbackFor: { p: TEST_TIME + 60_000 } });
  const earlier = entry("e", "!a", { fallbackFor: { p: TEST_TIME + 20_000 } });
  assertEquals(heads(schedule([fallback, entry("1", "!a")])), [["1", 0]]);
  assertEquals(heads(schedule([fallback, earlier])), [["e", 20]]);
});

Deno.test("Schedule.next() keeps the order in each lane, and puts lanes that failed last", () => {
  const entries = [entry("1", "!a", { wait: wait(2, 5) }), entry("2", "!a"), entry("3", "!b"), entry("4", "!b")];
  assertEquals(ids(schedule(entries).next("matrix", 9)), ["3", "4", "1", "2"]);
  assertEquals(ids(schedule(entries).next("matrix", 3)), ["3", "4", "1"]);
  const waiting = entry("0", "!b", { wait: wait(2, 60) });
  assertEquals(ids(schedule([waiting, ...entries]).next("matrix", 9)), ["1", "2"]);
});

Deno.test("Schedule.next() takes one entry at a time from a lane with a rate limit", () => {
  const entries = [entry("1", "!a"), entry("2", "!a"), entry("3", "!b")];
  const policies: Policies = new Map([["matrix", { batchOver: 10, rateLimit: { count: 2, perMs: 5000 } }]]);
  assertEquals(ids(schedule(entries, { policies }).next("matrix", 9)), ["1", "3"]);
  const deliveries = [TEST_TIME + 8000, TEST_TIME + 9000];
  assertEquals(ids(schedule(entries, { policies, deliveries }).next("matrix", 9)), []);
});

Deno.test("Schedule.isReady() ignores a wait that a clock decided that ran ahead", () => {
  const hour = 3600;
  assertEquals(schedule([]).isReady(entry("1", "!a", { wait: wait(hour, 2 * hour) })), true);
  assertEquals(schedule([]).isReady(entry("1", "!a", { wait: wait(0, 2 * hour) })), false);
});
