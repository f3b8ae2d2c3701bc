import { assertEquals } from "@std/assert";
import type { CourierEvent } from "../../src/delivery/attempt_group.ts";
import type { Entry } from "../../src/queue/entry.ts";
import { DeliveryCounters } from "../../src/server/delivery_counters.ts";
import { formatMetrics, HttpCounters } from "../../src/server/metrics.ts";
import type { Status } from "../../src/notifier/status.ts";

const HOUR_MS = 3_600_000;
const START = Date.UTC(2026, 10, 22, 19, 15);

/** The fields of an event that are counted. */
function event(result: Partial<CourierEvent["result"]>, entry: Partial<Entry> = {}): CourierEvent {
  return { entry: { channel: "matrix", time: START, ...entry }, result } as CourierEvent;
}

const DELIVERED = { state: "delivered" } as const;
const FAILED = { state: "failed", class: "not-sent" } as const;
const DEAD = { state: "dead" } as const;

Deno.test("DeliveryCounters.hours() counts by hour, forgets after 24 hours, and counts the members of a batch", () => {
  let now = START;
  const counters = new DeliveryCounters(() => now);
  counters.count(event(DELIVERED));
  counters.count(event(FAILED));
  now += HOUR_MS;
  counters.count(event(DELIVERED, { members: [{ time: START } as Entry, { time: START } as Entry] }));
  counters.count(event(DEAD, { channel: "phone" }));
  const hours = counters.hours();
  assertEquals([hours.length, hours[0].start, hours[23].start], [
    24,
    Date.UTC(2026, 10, 21, 21),
    Date.UTC(2026, 10, 22, 20),
  ]);
  assertEquals(hours.slice(22).map(({ delivered, failed, dead }) => [delivered, failed, dead]), [[1, 1, 0], [2, 0, 1]]);
  assertEquals(counters.hours("phone").slice(22).map(({ delivered, dead }) => [delivered, dead]), [[0, 0], [0, 1]]);
  now += 23 * HOUR_MS;
  assertEquals(counters.hours().map(({ delivered }) => delivered).filter((count) => count > 0), [2]);
  now += HOUR_MS;
  assertEquals(counters.hours().every(({ delivered, failed, dead }) => delivered + failed + dead === 0), true);
});

Deno.test("DeliveryCounters.hours() forgets hours in the future after the clock was set back", () => {
  let now = START + 48 * HOUR_MS;
  const counters = new DeliveryCounters(() => now);
  counters.count(event(DELIVERED));
  now = START;
  counters.count(event(DELIVERED));
  now = START + 48 * HOUR_MS;
  assertEquals(counters.hours().map(({ delivered }) => delivered).filter((count) => count > 0), []);
});

Deno.test("DeliveryCounters.count() counts a rejected batch as a failed attempt, because its members are sent again", () => {
  const counters = new DeliveryCounters(() => START);
  counters.count(event(DEAD, { members: [{ time: START } as Entry] }));
  const { dead, failed } = counters.totals.get("matrix") ?? {};
  assertEquals([dead, [...failed ?? []]], [0, [["rejected", 1]]]);
});

Deno.test("formatMetrics() prints the deliveries of each channel, also before the first one, and escapes names", () => {
  let now = START;
  const counters = new DeliveryCounters(() => now);
  counters.addChannels(['a"b\\c\nd', "matrix"]);
  now += 2000;
  counters.count(event(DELIVERED));
  counters.count(event(DELIVERED, { time: START - 48 * HOUR_MS }));
  counters.count(event(FAILED));
  const lines = formatMetrics({} as Status, counters, new HttpCounters()).split("\n");
  const found = (name: string) => lines.filter((line) => line.startsWith(`matrix_notify_${name}`));
  assertEquals(found("start_time_seconds"), [`matrix_notify_start_time_seconds ${START / 1000}`]);
  assertEquals(found("deliveries_total"), [
    String.raw`matrix_notify_deliveries_total{channel="a\"b\\c\nd"} 0`,
    'matrix_notify_deliveries_total{channel="matrix"} 2',
  ]);
  assertEquals(found("failed_attempts_total"), [
    'matrix_notify_failed_attempts_total{channel="matrix",class="not-sent"} 1',
  ]);
  assertEquals(found('delivery_delay_seconds_bucket{channel="matrix",le="1"}'), [
    'matrix_notify_delivery_delay_seconds_bucket{channel="matrix",le="1"} 0',
  ]);
  assertEquals(found('delivery_delay_seconds_bucket{channel="matrix",le="5"}'), [
    'matrix_notify_delivery_delay_seconds_bucket{channel="matrix",le="5"} 1',
  ]);
  assertEquals(found('delivery_delay_seconds_bucket{channel="matrix",le="+Inf"}'), [
    'matrix_notify_delivery_delay_seconds_bucket{channel="matrix",le="+Inf"} 2',
  ]);
  assertEquals(found('delivery_delay_seconds_sum{channel="matrix"}'), [
    'matrix_notify_delivery_delay_seconds_sum{channel="matrix"} 172804',
  ]);
});
