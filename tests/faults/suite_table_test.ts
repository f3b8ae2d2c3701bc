import { assert, assertEquals, assertThrows } from "@std/assert";
import { ROWS } from "./rows/mod.ts";
import { formatLine, formatTotal, HEAD, withLine } from "./suite_table.ts";
import { NOTHING, notRun, ONE, problem, sum } from "./tally.ts";

const [row, second] = ROWS;
const result = (tally = ONE, of = row) => ({ row: of, tally, seconds: 1.4, isSample: false });

Deno.test("ROWS has each of the 27 rows of the failure matrix once", () => {
  assertEquals(ROWS.map(({ number }) => number), Array.from({ length: 27 }, (_, at) => at + 1));
});

Deno.test("formatLine() counts losses, duplicates and other problems separately", () => {
  const tally = { ...sum([ONE, ONE, problem("lost: a", "once more: b", "altered: c")]), losses: 1, duplicates: 1 };
  assert(formatLine(result(tally)).endsWith("| 2 | 1 | 1 | 1 | 1 |"));
});

Deno.test("formatLine() prints no numbers for a row that did not run, and the reason", () => {
  const line = formatLine(result(notRun("strace is not installed")));
  assert(line.endsWith("| – | – | – | – | 1 |") && line.includes("(not run: strace is not installed)"));
});

Deno.test("formatLine() marks a sample", () => {
  assert(formatLine({ ...result(), isSample: true }).includes("(a sample)"));
});

Deno.test("formatTotal() adds all rows", () => {
  const results = [result({ ...NOTHING, injections: 1500, losses: 2 }), result()];
  assertEquals(formatTotal(results, 12.34), "1,501 injections, 2 losses, 0 duplicates, in 12.3 minutes");
});

Deno.test("withLine() replaces only the line of its row", () => {
  const empty =
    "Before\n<!-- faults: begin -->\n<!-- deno-fmt-ignore-start -->\n<!-- deno-fmt-ignore-end -->\n<!-- faults: end -->\nBehind\n";
  const both = withLine(withLine(empty, result(ONE, second)), result());
  assert(both.startsWith("Before\n") && both.endsWith("\nBehind\n"));
  assertEquals(both.split("\n").filter((line) => line.startsWith("|")), [
    ...HEAD.split("\n"),
    formatLine(result()),
    formatLine(result(ONE, second)),
  ]);
  const changed = withLine(both, result({ ...ONE, losses: 1 }));
  assertEquals(changed.split("\n").length, both.split("\n").length);
  assertThrows(() => withLine("no marks", result()), Error, "Cannot place the table");
});
