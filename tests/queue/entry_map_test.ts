import { assertEquals } from "@std/assert";
import { EntryMap } from "../../src/queue/entry_map.ts";
import type { Entry } from "../../src/queue/entry.ts";

const entry = (number: number, attempts = 0): Entry => ({
  id: String(number),
  time: number,
  channel: "matrix",
  destination: "!room",
  notification: {},
  expires: Infinity,
  bytes: 0,
  attempts,
});
const numbers = Array.from({ length: 100 }, (_, at) => at);
const idsOf = (arrivals: EntryMap) => Array.from(arrivals.values(), ({ id }) => Number(id));

Deno.test("Arrivals keeps the order of arrival, whatever is set again or goes", () => {
  const arrivals = new EntryMap(numbers.slice(0, 3).map((number) => entry(number)));
  for (const number of numbers) arrivals.set(entry(number));
  assertEquals(idsOf(arrivals), numbers);
  for (const number of [0, 50, 99]) arrivals.set(entry(number, 1));
  assertEquals(idsOf(arrivals), numbers);
  assertEquals([0, 50, 99, 98].map((number) => arrivals.get(String(number))?.attempts), [1, 1, 1, 0]);
  for (const number of numbers) if (number % 3 > 0) arrivals.delete(String(number));
  assertEquals(idsOf(arrivals), numbers.filter((number) => number % 3 === 0));
  assertEquals(arrivals.get("1"), undefined);
  arrivals.set(entry(1));
  assertEquals(idsOf(arrivals).at(-1), 1);
});
