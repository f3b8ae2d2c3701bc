import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../../src/base/errors.ts";
import { Fields } from "../../src/base/fields.ts";
import { readPolicy, readTitle } from "../../src/config/policy.ts";
import { PARSE_CONTEXT } from "../fakes/parse_context.ts";

const read = (value: unknown) => readPolicy(new Fields(value, "channels.phone"), PARSE_CONTEXT);

Deno.test("readPolicy() makes a batch of more than ten, without a rate limit and quiet hours, by default", () => {
  assertEquals(read({}), { batchOver: 10 });
});

Deno.test("readPolicy() reads batch, rate limit and quiet hours", () => {
  assertEquals(
    read({ batch: { over: 50 }, rateLimit: { count: 3, per: "10s" }, quiet: { from: "22:00", to: "7:00" } }),
    { batchOver: 50, rateLimit: { count: 3, perMs: 10_000 }, quiet: { from: 1320, to: 420 } },
  );
  assertEquals(read({ batch: false }).batchOver, Infinity);
  assertEquals(read({ batch: { style: "lines" } }), { batchOver: 10, style: "lines" });
});

Deno.test("readPolicy() of a channel overrides that of all channels key by key", () => {
  const outer = { batch: { over: 5 }, rateLimit: { count: 2, per: "1m" }, quiet: { from: "22:00", to: "07:00" } };
  const all = readPolicy(new Fields(outer, ""), PARSE_CONTEXT);
  const of = (value: unknown) => readPolicy(new Fields(value, "channels.phone"), PARSE_CONTEXT, all);
  assertEquals(of({}), all);
  assertEquals(of({ quiet: false }), { ...all, quiet: undefined });
  assertEquals(of({ batch: {} }), { ...all, batchOver: 10 });
  assertEquals(of({ rateLimit: { count: 1, per: "1s" } }), { ...all, rateLimit: { count: 1, perMs: 1000 } });
});

Deno.test("readTitle() reads the template, and rejects a template without the subject", () => {
  const title = (value: unknown) => readTitle(new Fields(value, "channels.phone"), PARSE_CONTEXT);
  assertEquals([title({}), title({ title: "{subject} ({identity})" })], [undefined, "{subject} ({identity})"]);
  assertThrows(
    () => title({ title: "[{identity}]" }),
    ConfigError,
    "Cannot use channels.phone.title: it does not contain {subject}",
  );
});

for (
  const [value, message] of [
    [{ batch: true }, "Cannot use channels.phone.batch: it must be a JSON object"],
    [{ batch: { ovr: 3 } }, "Cannot use channels.phone.batch.ovr: there is no such key"],
    [{ batch: { over: 0 } }, "Cannot use channels.phone.batch.over: it must be a whole number from 1 to 1000000"],
    [{ rateLimit: false }, "Cannot use channels.phone.rateLimit: it must be a JSON object"],
    [
      { rateLimit: { count: 21, per: "1m" } },
      "Cannot use channels.phone.rateLimit.count: it must be a whole number from 1 to 20",
    ],
    [{ rateLimit: { count: 3 } }, "Missing channels.phone.rateLimit.per"],
    [{ rateLimit: { per: "1m" } }, "Missing channels.phone.rateLimit.count"],
    [
      { rateLimit: { count: 3, per: "0" } },
      'Cannot use channels.phone.rateLimit.per: "0" is not a duration above zero',
    ],
    [{ quiet: true }, "Cannot use channels.phone.quiet: it must be a JSON object"],
    [{ quiet: { from: "22:00" } }, "Missing channels.phone.quiet.to"],
    [{ quiet: { from: "22", to: "07:00" } }, 'Cannot use channels.phone.quiet.from: "22" is not a time of day'],
    [
      { quiet: { from: "7:00", to: "07:00" } },
      "Cannot use channels.phone.quiet.to: it is equal to from, so the whole day would be quiet",
    ],
  ] as const
) {
  Deno.test(`readPolicy() rejects ${JSON.stringify(value)}`, () => {
    assertThrows(() => read(value), ConfigError, message);
  });
}
