import { assertEquals } from "@std/assert";
import {
  formatTimeOfDay,
  lastQuietEnd,
  parseTimeOfDay,
  quietUntil,
  type WallClock,
  wasQuiet,
} from "../../src/delivery/quiet_hours.ts";

const NIGHT = { from: 22 * 60, to: 7 * 60 };

/** The wall clock of a time zone. */
function clockOf(timeZone: string): WallClock {
  const format = new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  return (time) => {
    const [hours, minutes] = format.format(time).split(":").map(Number);
    return 60 * hours + minutes;
  };
}

const berlin = clockOf("Europe/Berlin");
const end = (quiet: typeof NIGHT, time: string) => {
  const until = quietUntil(quiet, Date.parse(time), berlin);
  return until === undefined ? undefined : new Date(until).toISOString();
};

Deno.test("parseTimeOfDay() takes times of day and nothing else", () => {
  assertEquals(["22:00", "7:05", " 00:00 ", "23:59"].map(parseTimeOfDay), [1320, 425, 0, 1439]);
  assertEquals(["24:00", "7", "7:5", "22:60", "night", ""].map(parseTimeOfDay), Array(6).fill(undefined));
  assertEquals(formatTimeOfDay(425), "07:05");
});

Deno.test("quietUntil() handles quiet hours over midnight and within a day", () => {
  assertEquals(end(NIGHT, "2026-11-22T20:59:59+00:00"), undefined);
  assertEquals(end(NIGHT, "2026-11-22T21:00:00+00:00"), "2026-11-23T06:00:00.000Z");
  assertEquals(end(NIGHT, "2026-11-23T05:59:59+00:00"), "2026-11-23T06:00:00.000Z");
  assertEquals(end(NIGHT, "2026-11-23T06:00:00+00:00"), undefined);
  const nap = { from: 13 * 60, to: 14 * 60 + 30 };
  assertEquals(end(nap, "2026-11-22T12:10:00+00:00"), "2026-11-22T13:30:00.000Z");
  assertEquals(end(nap, "2026-11-22T22:10:00+00:00"), undefined);
});

Deno.test("quietUntil() ends by the wall clock when daylight saving time starts or ends", () => {
  // 2026-03-29: 02:00 becomes 03:00. 2026-10-25: 03:00 becomes 02:00.
  assertEquals(end(NIGHT, "2026-03-28T22:00:00+00:00"), "2026-03-29T05:00:00.000Z");
  assertEquals(end(NIGHT, "2026-10-24T22:00:00+00:00"), "2026-10-25T06:00:00.000Z");
  const early = { from: 60, to: 150 };
  assertEquals(end(early, "2026-03-29T00:30:00+00:00"), "2026-03-29T01:00:00.000Z", "half past two never comes");
  assertEquals(end(early, "2026-10-24T23:30:00+00:00"), "2026-10-25T00:30:00.000Z");
  assertEquals(end(early, "2026-10-25T01:10:00+00:00"), "2026-10-25T01:30:00.000Z", "half past two comes twice");
});

Deno.test("wasQuiet() is true if any minute between two times was quiet", () => {
  const between = (from: string, until: string) =>
    wasQuiet(NIGHT, { from: Date.parse(from), until: Date.parse(until) }, berlin);
  assertEquals(between("2026-11-22T19:00:00Z", "2026-11-22T21:00:00Z"), false);
  assertEquals(between("2026-11-22T19:00:00Z", "2026-11-22T21:00:01Z"), true);
  assertEquals(between("2026-11-23T05:59:59Z", "2026-11-23T06:00:00Z"), true);
  assertEquals(between("2026-11-23T06:00:00Z", "2026-11-23T06:00:00Z"), false);
  assertEquals(between("2026-11-23T06:00:00Z", "2026-11-25T06:00:00Z"), true);
});

Deno.test("lastQuietEnd() finds the last end of quiet hours within a day", () => {
  const last = (time: string, quiet = NIGHT) => {
    const moment = lastQuietEnd(quiet, Date.parse(time), berlin);
    return moment === undefined ? undefined : new Date(moment).toISOString();
  };
  assertEquals(last("2026-11-22T06:00:00Z"), "2026-11-22T06:00:00.000Z");
  assertEquals(last("2026-11-22T20:59:59Z"), "2026-11-22T06:00:00.000Z");
  assertEquals(last("2026-10-25T12:00:00Z"), "2026-10-25T06:00:00.000Z");
  // In spring the hour from two to three is missing, so that this day has no quiet minute.
  assertEquals(last("2026-03-29T12:00:00Z", { from: 2 * 60, to: 2 * 60 + 30 }), undefined);
});
