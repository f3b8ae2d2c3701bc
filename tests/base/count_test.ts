import { assertEquals } from "@std/assert";
import { formatCount } from "../../src/base/count.ts";

Deno.test("formatCount() uses the singular only for 1", () => {
  assertEquals([0, 1, 2].map((count) => formatCount(count, "line")), ["0 lines", "1 line", "2 lines"]);
  assertEquals([0, 1, 2].map((count) => formatCount(count, "entry", "entries")), ["0 entries", "1 entry", "2 entries"]);
});
