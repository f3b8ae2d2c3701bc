import { assertEquals } from "@std/assert";
import { Delays, type Policies } from "../../src/delivery/delays.ts";
import { localMinute } from "../../src/delivery/quiet_hours.ts";
import { createNotification } from "../../src/notification/notification.ts";
import type { Entry, Lane } from "../../src/queue/entry.ts";
import { LaneIndex } from "../../src/queue/lane_index.ts";
import { TEST_TIME } from "../fakes/runtime.ts";

const MINUTE_MS = 60_000;
const minutes = (count: number) => TEST_TIME + count * MINUTE_MS;

function entry(id: string, channel: string, more: Partial<Entry> = {}): Entry {
  const notification = createNotification({ subject: id }, TEST_TIME);
  const rest = { notification, expires: minutes(1e6), bytes: 0, attempts: 0, time: TEST_TIME, destination: "!a" };
  return { id, channel, ...rest, ...more };
}

/** The delay of a fallback on the phone at a minute: until which minute, and the reason. */
function fallbackDelay(
  minute: number,
  fallback: Partial<Entry>,
  primaries: readonly Entry[],
  policies: Policies = new Map(),
) {
  const queue = {
    lane: (lane: Lane) => new LaneIndex(primaries).lane(lane),
    entry: (id: string) => primaries.find((one) => one.id === id),
    recentDeliveries: () => [],
  };
  const delay = new Delays(minutes(minute), queue, policies).of(entry("f", "phone", fallback));
  return delay && [(delay.until - TEST_TIME) / MINUTE_MS, delay.reason];
}

const fallbackFor = { p: minutes(10), q: minutes(20) };
const both = [entry("p", "matrix"), entry("q", "email")];

Deno.test("Delays.of() delays a fallback until its first primary is late, and names the primaries", () => {
  assertEquals(fallbackDelay(0, { fallbackFor }, both), [10, "Sent only if matrix or email is late"]);
  assertEquals(fallbackDelay(9.9, { fallbackFor }, both)?.[0], 10);
  assertEquals(fallbackDelay(10, { fallbackFor }, both), undefined);
  assertEquals(fallbackDelay(0, { fallbackFor: { x: minutes(5) } }, both), [
    5,
    "Sent only if another channel is late",
  ]);
});

Deno.test("Delays.of() delays no entry that has no primaries, was retried by hand, is in flight, or came from a wrong clock", () => {
  assertEquals(fallbackDelay(0, {}, both), undefined);
  for (
    const more of [{ fallbackFor: {} }, { forced: true }, { inFlight: { n: 1, time: TEST_TIME } }, {
      time: minutes(60),
    }] as const
  ) {
    assertEquals(fallbackDelay(0, { fallbackFor, ...more }, both), undefined, JSON.stringify(more));
  }
});

Deno.test("Delays.of() starts the timeout of a primary at the end of its quiet hours, unless it is urgent or dead", () => {
  const from = localMinute(TEST_TIME);
  const quiet: Policies = new Map([["matrix", { batchOver: 10, quiet: { from, to: (from + 60) % 1440 } }]]);
  const one = { fallbackFor: { p: minutes(10) } };
  assertEquals(fallbackDelay(30, one, both, quiet)?.[0], 70);
  const critical = createNotification({ subject: "p", severity: "critical" }, TEST_TIME);
  assertEquals(fallbackDelay(30, one, [entry("p", "matrix", { notification: critical })], quiet), undefined);
  assertEquals(fallbackDelay(30, one, [entry("p", "matrix", { dead: { reason: "x", time: 0 } })], quiet), undefined);
  assertEquals(fallbackDelay(30, one, [entry("p", "email")], quiet), undefined);
});
