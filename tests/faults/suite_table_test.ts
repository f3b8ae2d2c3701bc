import { assert, assertEquals, assertThrows } from "@std/assert";
import { ROWS } from "./rows/mod.ts";
import { HEAD, lineOf, totalOf, withLine } from "./suite_table.ts";
import { NOTHING, notRun, ONE, problem, sum } from "./tally.ts";

const [row, second] = ROWS;
const result = (tally = ONE, of = row) => ({ row: of, tally, seconds: 1.4, isSample: false });

Deno.test("the suite has the 26 rows of the failure matrix, each once", () => {
  assertEquals(ROWS.map(({ number }) => number), Array.from({ length: 26 }, (_, at) => at + 1));
});

Deno.test("lineOf() counts losses, duplicates and whatever else is wrong apart", () => {
  const tally = { ...sum([ONE, ONE, problem("lost: a", "once more: b", "altered: c")]), losses: 1, duplicates: 1 };
  assert(lineOf(result(tally)).endsWith("| 2 | 1 | 1 | 1 | 1 |"));
});

Deno.test("lineOf() gives no numbers to what was not run, and says why", () => {
  const line = lineOf(result(notRun("strace is not installed")));
  assert(line.endsWith("| – | – | – | – | 1 |") && line.includes("(not run: strace is not installed)"));
});

Deno.test("lineOf() says so of a sample", () => {
  assert(lineOf({ ...result(), isSample: true }).includes("(a sample)"));
});

Deno.test("totalOf() adds up", () => {
  const results = [result({ ...NOTHING, injections: 1500, losses: 2 }), result()];
  assertEquals(totalOf(results, 12.34), "1,501 injections, 2 losses, 0 duplicates, in 12.3 minutes");
});

Deno.test("withLine() replaces the line of its row between the marks, and nothing else", () => {
  const empty =
    "Before\n<!-- faults: begin -->\n<!-- deno-fmt-ignore-start -->\n<!-- deno-fmt-ignore-end -->\n<!-- faults: end -->\nBehind\n";
  const both = withLine(withLine(empty, result(ONE, second)), result());
  assert(both.startsWith("Before\n") && both.endsWith("\nBehind\n"));
  assertEquals(both.split("\n").filter((line) => line.startsWith("|")), [
    ...HEAD.split("\n"),
    lineOf(result()),
    lineOf(result(ONE, second)),
  ]);
  const changed = withLine(both, result({ ...ONE, losses: 1 }));
  assertEquals(changed.split("\n").length, both.split("\n").length);
  assertThrows(() => withLine("no marks", result()), Error, "Cannot place the table");
});
