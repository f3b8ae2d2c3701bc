/**
 * The fault suite: every row of the failure matrix, each injection judged by one oracle.
 *
 * ```text
 * for each row: for each injection: a world -> the fault -> the fault is over -> something fresh is said -> the oracle
 * ```
 *
 * `deno task faults [--quick] [--row N]… [--jobs N] [--write]`. It prints a table and ends with 0
 * when nothing was lost, nothing came twice and nothing else was wrong. `--write` keeps the lines
 * of the rows that were run in `docs/guarantees.md`. It needs strace and faketime, and for a few
 * parts root; what it cannot try counts as not run.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { useOneFile } from "./one_file.ts";
import { ROWS } from "./rows/mod.ts";
import type { Effort, Row } from "./rows/row.ts";
import { HEAD, lineOf, type Result, totalOf, withLine } from "./suite_table.ts";
import { problem, type Tally } from "./tally.ts";

const DOCUMENT = new URL("../../docs/guarantees.md", import.meta.url);

/** As many problems of a row are told; a thousand more of the same help nobody. */
const MAX_TOLD = 20;

async function runRow(row: Row, effort: Effort): Promise<Result> {
  const began = Date.now();
  const tally = await row.run(effort).catch((error) => problem(error instanceof Error ? `${error.stack}` : `${error}`));
  return { row, tally, seconds: (Date.now() - began) / 1000, isSample: effort.isQuick };
}

function tell({ problems, evidence }: Tally): void {
  for (const text of problems.slice(0, MAX_TOLD)) console.error(`  ${text}`);
  if (problems.length > MAX_TOLD) console.error(`  … and ${problems.length - MAX_TOLD} more`);
  if (evidence.length > 0) console.error(`  what they left lies in ${evidence.slice(0, MAX_TOLD).join(", ")}`);
}

/** Whether a row is as it should be; what was not run is neither good nor bad. */
function isGood({ tally: { losses, duplicates, problems } }: Result): boolean {
  return losses + duplicates + problems.length === 0;
}

/** Rows that run at the same time: most of them wait now and then. */
const ROWS_AT_ONCE = 2;

/** Runs rows side by side; they are told of in their order. */
async function runRows(rows: readonly Row[], effort: Effort, onResult: (result: Result) => void): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0, told = 0;
  async function work(): Promise<void> {
    for (let at = next++; at < rows.length; at = next++) {
      results[at] = await runRow(rows[at], effort);
      while (results[told] !== undefined) onResult(results[told++]);
    }
  }
  await Promise.all(Array.from({ length: ROWS_AT_ONCE }, work));
  return results;
}

async function main(): Promise<number> {
  const args = parseArgs(Deno.args, {
    string: ["row", "jobs"],
    boolean: ["quick", "write"],
    collect: ["row"],
  });
  const effort = { isQuick: args.quick, jobs: Number(args.jobs ?? 2 * navigator.hardwareConcurrency) };
  const rows = ROWS.filter(({ number }) => !args.row?.length || args.row.includes(String(number)));
  const began = Date.now();
  console.log(HEAD);
  const results = await runRows(rows, effort, (result) => {
    console.log(lineOf(result));
    if (args.write) Deno.writeTextFileSync(DOCUMENT, withLine(Deno.readTextFileSync(DOCUMENT), result));
    tell(result.tally);
  });
  const bad = results.filter((result) => !isGood(result)).length;
  const missing = results.filter(({ tally }) => tally.notRun.length > 0).length;
  console.log(`\n${totalOf(results, (Date.now() - began) / 60_000)}`);
  console.log(`${results.length - bad} of ${results.length} rows hold, ${missing} of them not run in full`);
  return bad === 0 ? 0 : 1;
}

async function withOneFile(work: () => Promise<number>): Promise<number> {
  const directory = Deno.makeTempDirSync({ prefix: "faults-" });
  try {
    const problem = await useOneFile(directory);
    if (problem !== undefined) console.error(`The program runs from its modules, which takes longer: ${problem}`);
    return await work();
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

if (import.meta.main) Deno.exit(await withOneFile(main));
