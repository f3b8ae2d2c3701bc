import { assertEquals, assertGreater } from "@std/assert";
import { storm } from "./storm.ts";

Deno.test("storm() loses and duplicates nothing and keeps the order when processes are killed and the homeserver fails", async () => {
  const { sent, kills, problems } = await storm(15, 20261122);
  assertEquals(problems, []);
  assertGreater(sent.filter(({ answer }) => answer === "acknowledged").length, 20);
  assertGreater(kills, 5);
});
