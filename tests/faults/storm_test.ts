import { assertEquals, assertGreater } from "@std/assert";
import { storm } from "./storm.ts";

Deno.test("nothing acknowledged is lost, nothing comes twice, and order holds, when everybody is killed and the homeserver has moods", async () => {
  const { said, kills, problems } = await storm(15, 20261122);
  assertEquals(problems, []);
  assertGreater(said.filter(({ answer }) => answer === "acknowledged").length, 20);
  assertGreater(kills, 5);
});
