import { assertEquals } from "@std/assert";
import { formatBytes, formatCount } from "../../src/base/count.ts";

Deno.test("formatCount() uses the singular only for 1", () => {
  assertEquals([0, 1, 2].map((count) => formatCount(count, "line")), ["0 lines", "1 line", "2 lines"]);
  assertEquals([0, 1, 2].map((count) => formatCount(count, "entry", "entries")), ["0 entries", "1 entry", "2 entries"]);
});

Deno.test("formatBytes() uses the largest unit, and shows a fraction only if it is not zero", () => {
  const sizes = [1, 1023, 1024, 1500, 64 * 1024, 1024 * 1024, 1.25 * 2 ** 20, 64 * 2 ** 20];
  assertEquals(sizes.map(formatBytes), [
    ...["1 byte", "1023 bytes", "1 KiB", "1.5 KiB", "64 KiB", "1 MiB", "1.3 MiB", "64 MiB"],
  ]);
});
