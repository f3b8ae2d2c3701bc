import { assertEquals } from "@std/assert";
import { formatClock, formatDay, formatIsoTime, formatTime } from "../../src/base/time.ts";

/** 2026-11-22 23:15:07.250 UTC. */
const TIME = Date.UTC(2026, 10, 22, 23, 15, 7, 250);

Deno.test("formatTime() and formatIsoTime() use the offset of the zone, also half hours and west of UTC", () => {
  const formats = [0, 60, -210, 345].map((minutes) => {
    const zone = () => minutes;
    return [formatTime(TIME, { zone }), formatIsoTime(TIME, zone)];
  });
  assertEquals(formats, [
    ["2026-11-22 23:15:07 UTC", "2026-11-22T23:15:07.250+00:00"],
    ["2026-11-23 00:15:07 UTC+1", "2026-11-23T00:15:07.250+01:00"],
    ["2026-11-22 19:45:07 UTC-3:30", "2026-11-22T19:45:07.250-03:30"],
    ["2026-11-23 05:00:07 UTC+5:45", "2026-11-23T05:00:07.250+05:45"],
  ]);
});

Deno.test("formatTime() leaves out the date only if the time is today in the zone", () => {
  const at = (now: number, minutes: number) => formatTime(TIME, { now, zone: () => minutes });
  const hour = 3_600_000;
  assertEquals([at(TIME - 2 * hour, 0), at(TIME + hour, 0)], ["23:15:07 UTC", "2026-11-22 23:15:07 UTC"]);
  assertEquals([at(TIME - 2 * hour, 60), at(TIME + hour, 60)], ["2026-11-23 00:15:07 UTC+1", "00:15:07 UTC+1"]);
  assertEquals(at(TIME - 365 * 24 * hour, 0), "2026-11-22 23:15:07 UTC", "the same day of another year");
});

Deno.test("formatTime() uses the offset of the time itself when daylight saving time ends in between", () => {
  const end = Date.UTC(2026, 9, 25, 1);
  const zone = (time: number) => time < end ? 120 : 60;
  assertEquals(
    [formatTime(end - 1000, { now: end, zone }), formatTime(end, { now: end, zone })],
    ["02:59:59 UTC+2", "02:00:00 UTC+1"],
  );
});

Deno.test("formatDay() and formatClock() use the same clock as formatTime()", () => {
  const zone = () => 60;
  assertEquals([formatDay(TIME, zone), formatClock(TIME, zone)], ["2026-11-23", "00:15:07"]);
  assertEquals(formatTime(TIME).slice(0, 19), `${formatDay(TIME)} ${formatClock(TIME)}`);
  assertEquals(Date.parse(formatIsoTime(TIME)), TIME, "in the zone of this host");
});

Deno.test("formatTime() and formatIsoTime() clamp a time that no date can have", () => {
  for (const time of [1e306, Infinity, 8.64e15 + 1]) {
    assertEquals(formatIsoTime(time, () => 60), "+275760-09-12T01:00:00.000+01:00");
    assertEquals(formatTime(time, { zone: () => 0 }), "+275760-09-12 00:00:00 UTC");
  }
  assertEquals(formatIsoTime(-1e306, () => 0), "-271821-04-21T00:00:00.000+00:00");
});
