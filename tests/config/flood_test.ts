import { assertEquals, assertThrows } from "@std/assert";
import { policyOf } from "../../src/config/flood.ts";
import { ConfigError } from "../../src/base/errors.ts";
import { Fields } from "../../src/base/fields.ts";
import { DEFAULT_POLICY } from "../../src/delivery/rate_policy.ts";

const read = (value: unknown) => policyOf(new Fields(value, "channels.phone"));

Deno.test("policyOf() gathers a backlog of more than ten, at any pace and hour, where nothing is said", () => {
  assertEquals(read({}), { batchOver: 10 });
});

Deno.test("policyOf() reads backlog, pace and quiet hours", () => {
  assertEquals(
    read({ flood: { backlog: 50, burst: 3, per: "10s" }, quiet: { from: "22:00", to: "7:00" } }),
    { batchOver: 50, rateLimit: { count: 3, perMs: 10_000 }, quiet: { from: 1320, to: 420 } },
  );
  assertEquals(read({ flood: { digest: false } }).batchOver, Infinity);
});

Deno.test("policyOf() of a channel goes before that of all, which holds where it says nothing", () => {
  const all = policyOf(new Fields({ flood: { backlog: 5 }, quiet: { from: "22:00", to: "07:00" } }, ""));
  const of = (value: unknown) => policyOf(new Fields(value, "channels.phone"), all);
  assertEquals(of({}), all);
  assertEquals(of({ quiet: false }), { batchOver: 5, rateLimit: undefined, quiet: undefined });
  assertEquals(of({ flood: {} }), { ...all, ...DEFAULT_POLICY });
});

for (
  const [value, message] of [
    [{ flood: true }, "Cannot use channels.phone.flood: it must be an object"],
    [{ flood: { brust: 3 } }, "Cannot use channels.phone.flood.brust: there is no such key"],
    [{ flood: { backlog: 0 } }, "Cannot use channels.phone.flood.backlog: it must be a whole number from 1 to 1000000"],
    [
      { flood: { burst: 21, per: "1m" } },
      "Cannot use channels.phone.flood.burst: it must be a whole number from 1 to 20",
    ],
    [{ flood: { burst: 3 } }, "Cannot use channels.phone.flood.burst: channels.phone.flood.per is not set"],
    [{ flood: { per: "1m" } }, "Cannot use channels.phone.flood.per: channels.phone.flood.burst is not set"],
    [{ flood: { burst: 3, per: "0" } }, 'Cannot use channels.phone.flood.per: "0" is not a duration above zero'],
    [{ quiet: true }, "Cannot use channels.phone.quiet: it must be an object"],
    [{ quiet: { from: "22:00" } }, "Cannot do without channels.phone.quiet.to: it is not set"],
    [{ quiet: { from: "22", to: "07:00" } }, 'Cannot use channels.phone.quiet.from: "22" is not a time of day'],
    [
      { quiet: { from: "7:00", to: "07:00" } },
      "Cannot use channels.phone.quiet.to: it is the same as from: all of the day would be quiet",
    ],
  ] as const
) {
  Deno.test(`policyOf() refuses ${JSON.stringify(value)}`, () => {
    assertThrows(() => read(value), ConfigError, message);
  });
}
