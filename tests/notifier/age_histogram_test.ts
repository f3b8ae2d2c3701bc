import { assertEquals } from "@std/assert";
import { agesOf } from "../../src/notifier/age_histogram.ts";

const MINUTE = 60_000, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
const NONE = { under1m: 0, under15m: 0, under1h: 0, under6h: 0, under1d: 0, under7d: 0, older: 0 };

Deno.test("agesOf() puts an age on a limit into the class behind it", () => {
  assertEquals(agesOf([]), NONE);
  assertEquals(agesOf([-5, 0, MINUTE - 1]), { ...NONE, under1m: 3 });
  assertEquals(agesOf([MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, DAY, 7 * DAY, 14 * DAY]), {
    under1m: 0,
    under15m: 1,
    under1h: 1,
    under6h: 1,
    under1d: 1,
    under7d: 1,
    older: 2,
  });
});
