/** The table of results, as it is printed and as it is kept in `docs/guarantees.md`. */

import type { Row } from "./rows/row.ts";
import { sum, type Tally } from "./tally.ts";

/** The result of a row. */
export interface Result {
  readonly row: Row;
  readonly tally: Tally;
  readonly seconds: number;
  /** Whether only a sample was run. */
  readonly isSample: boolean;
}

const BEGIN = "<!-- faults: begin -->\n<!-- deno-fmt-ignore-start -->";
const END = "<!-- deno-fmt-ignore-end -->\n<!-- faults: end -->";

const TITLES = ["row", "fault", "how", "injections", "losses", "duplicates", "other problems", "seconds"] as const;

/** The header of the table. */
export const HEAD: string = `| ${TITLES.join(" | ")} |\n| ${
  TITLES.map((_, at) => at === 1 || at === 2 ? "---" : "---:").join(" | ")
} |`;

/** Formats a line of the table. A row that did not run has no numbers. */
export function formatLine({ row, tally, seconds, isSample }: Result): string {
  const { injections, losses, duplicates, problems, notRun } = tally;
  const isRun = injections > 0;
  const numbers = [injections, losses, duplicates, problems.length - losses - duplicates];
  const marks = notRun.length > 0 ? ` (not run: ${notRun.join("; ")})` : "";
  const cells = [
    String(row.number),
    row.fault + (isSample ? " (a sample)" : "") + marks,
    row.how,
    ...numbers.map((number) => isRun ? number.toLocaleString("en") : "–"),
    String(Math.round(seconds)),
  ];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

/** Formats the sum of all rows in a sentence. */
export function formatTotal(results: readonly Result[], minutes: number): string {
  const { injections, losses, duplicates } = sum(results.map(({ tally }) => tally));
  const [all, lost, twice] = [injections, losses, duplicates].map((number) => number.toLocaleString("en"));
  return `${all} injections, ${lost} losses, ${twice} duplicates, in ${minutes.toFixed(1)} minutes`;
}

/**
 * Replaces the line of a row in the table of a document, which is between two marks.
 *
 * @throws {Error} if the document has no such table
 */
export function withLine(document: string, result: Result): string {
  const begin = document.indexOf(BEGIN), end = document.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`Cannot place the table: the document lacks ${BEGIN} and ${END}`);
  const numberOf = (line: string) => Number(/^\| *(\d+) /.exec(line)?.[1]);
  const others = document.slice(begin, end).split("\n").filter((line) => numberOf(line) > 0)
    .filter((line) => numberOf(line) !== result.row.number);
  const lines = [...others, formatLine(result)].toSorted((a, b) => numberOf(a) - numberOf(b));
  return `${document.slice(0, begin + BEGIN.length)}\n\n${[HEAD, ...lines].join("\n")}\n\n${document.slice(end)}`;
}
