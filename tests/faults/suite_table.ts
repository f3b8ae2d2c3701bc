/** The table of the suite: as it is printed, and as it is kept in a document. */

import type { Row } from "./rows/row.ts";
import type { Tally } from "./tally.ts";

/** A row that was run. */
export interface Result {
  readonly row: Row;
  readonly tally: Tally;
  readonly seconds: number;
}

const BEGIN = "<!-- faults: begin -->";
const END = "<!-- faults: end -->";

const TITLES = ["row", "fault", "how", "injections", "losses", "duplicates", "other problems", "seconds"] as const;

/** The head of the table. */
export const HEAD: string = `| ${TITLES.join(" | ")} |\n| ${
  TITLES.map((_, at) => at === 1 || at === 2 ? "---" : "---:").join(" | ")
} |`;

/** One line of the table. What was not run has no numbers. */
export function lineOf({ row, tally, seconds }: Result): string {
  const { injections, losses, duplicates, problems, notRun } = tally;
  const isRun = injections > 0;
  const numbers = [injections, losses, duplicates, problems.length - losses - duplicates];
  const marks = notRun.length > 0 ? ` (not run: ${notRun.join("; ")})` : "";
  const cells = [
    String(row.number),
    row.fault + marks,
    row.how,
    ...numbers.map((number) => isRun ? number.toLocaleString("en") : "–"),
    String(Math.round(seconds)),
  ];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

/** The whole table, with a sentence on what it adds up to. */
export function tableOf(results: readonly Result[]): string {
  const total = (of: (tally: Tally) => number) => results.reduce((sum, { tally }) => sum + of(tally), 0);
  const count = (of: (tally: Tally) => number) => total(of).toLocaleString("en");
  const minutes = (results.reduce((sum, { seconds }) => sum + seconds, 0) / 60).toFixed(1);
  const verdict = `${count((tally) => tally.injections)} injections, ${count((tally) => tally.losses)} losses, ` +
    `${count((tally) => tally.duplicates)} duplicates, in ${minutes} minutes`;
  return [HEAD, ...results.map(lineOf), "", verdict].join("\n");
}

/**
 * A document with the table in its place, between its two marks.
 *
 * @throws {Error} when it has no such place
 */
export function withTable(document: string, table: string): string {
  const begin = document.indexOf(BEGIN), end = document.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`Cannot place the table: the document lacks ${BEGIN} and ${END}`);
  return `${document.slice(0, begin + BEGIN.length)}\n\n${table}\n\n${document.slice(end)}`;
}
