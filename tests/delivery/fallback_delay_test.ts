import { assertEquals } from "@std/assert";
import { fallbackDelayAt, type FallbackDelayContext } from "../../src/delivery/delays.ts";
import { createNotification } from "../../src/notification/notification.ts";
import type { Entry } from "../../src/queue/entry.ts";
import { TEST_TIME } from "../fakes/runtime.ts";

const MINUTE_MS = 60_000;
const minutes = (count: number) => TEST_TIME + count * MINUTE_MS;

function entry(id: string, channel: string, more: Partial<Entry> = {}): Entry {
  const notification = createNotification({ subject: id }, TEST_TIME);
  const rest = { notification, expires: minutes(1e6), bytes: 0, attempts: 0, time: TEST_TIME, destination: "!a" };
  return { id, channel, ...rest, ...more };
}

/** What a fallback on the phone waits for, at a minute. */
function waits(
  at: number,
  fallback: Partial<Entry>,
  fallbackFor: readonly Entry[],
  more: Partial<FallbackDelayContext> = {},
) {
  const context: FallbackDelayContext = {
    source: { entry: (id) => fallbackFor.find((one) => one.id === id) },
    policyOf: () => ({ batchOver: 10 }),
    nightOf: () => undefined,
    ...more,
  };
  const hold = fallbackDelayAt(minutes(at), context)(entry("f", "phone", fallback));
  return hold && [(hold.until - TEST_TIME) / MINUTE_MS, hold.reason];
}

const fallbackFor = { p: minutes(10), q: minutes(20) };
const both = [entry("p", "matrix"), entry("q", "email")];

Deno.test("fallbackDelayAt() has a fallback wait for the first that is late, and says for whom", () => {
  assertEquals(waits(0, { fallbackFor }, both), [10, "Waits whether matrix and email deliver in time"]);
  assertEquals(waits(9.9, { fallbackFor }, both)?.[0], 10);
  assertEquals(waits(10, { fallbackFor }, both), undefined);
  assertEquals(waits(0, { fallbackFor: { x: minutes(5) } }, both), [
    5,
    "Waits whether another channel delivers in time",
  ]);
});

Deno.test("fallbackDelayAt() has nobody wait who stands in for nothing, was asked for, is under way, or came by a wrong clock", () => {
  assertEquals(waits(0, {}, both), undefined);
  for (
    const more of [{ fallbackFor: {} }, { forced: true }, { inFlight: { n: 1, time: TEST_TIME } }, {
      time: minutes(60),
    }] as const
  ) {
    assertEquals(waits(0, { fallbackFor, ...more }, both), undefined, JSON.stringify(more));
  }
});

Deno.test("fallbackDelayAt() counts from the end of quiet hours for what waits for them, and for nothing else", () => {
  const night = {
    policyOf: (channel: string) => ({ batchOver: 10, ...(channel === "matrix" ? { quiet: { from: 0, to: 1 } } : {}) }),
    nightOf: (channel: string) => channel === "matrix" ? { until: minutes(60), reason: "Quiet" } : undefined,
  };
  const one = { fallbackFor: { p: minutes(10) } };
  assertEquals(waits(30, one, both, night)?.[0], 70);
  const critical = createNotification({ subject: "p", severity: "critical" }, TEST_TIME);
  assertEquals(waits(30, one, [entry("p", "matrix", { notification: critical })], night), undefined);
  assertEquals(waits(30, one, [entry("p", "matrix", { dead: { reason: "x", time: 0 } })], night), undefined);
  assertEquals(waits(30, one, [entry("p", "email")], night), undefined);
});
