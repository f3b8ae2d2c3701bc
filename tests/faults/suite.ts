/**
 * The fault suite: all rows of the failure matrix. One oracle judges each injection.
 *
 * ```text
 * each row: each injection: start a homeserver -> inject the fault -> clear it
 *                           -> send another message -> judge
 * ```
 *
 * `deno task faults [--quick] [--row N]… [--jobs N] [--write]` prints a table. Its exit code is 0
 * if nothing was lost or duplicated and there are no other problems. `--write` updates the lines of
 * these rows in `docs/guarantees.md`. The suite needs strace and faketime, and root for a few
 * parts. Parts that cannot run are reported.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { withBundle } from "./process.ts";
import { ROWS } from "./rows/mod.ts";
import type { Effort, Row } from "./rows/row.ts";
import { formatLine, formatTotal, HEAD, type Result, withLine } from "./suite_table.ts";
import { problem, type Tally } from "./tally.ts";

const DOCUMENT = new URL("../../docs/guarantees.md", import.meta.url);

/** How many problems of a row are printed at most. */
const MAX_PRINTED = 20;

async function runRow(row: Row, effort: Effort): Promise<Result> {
  const began = Date.now();
  const tally = await row.run(effort).catch((error) => problem(error instanceof Error ? `${error.stack}` : `${error}`));
  return { row, tally, seconds: (Date.now() - began) / 1000, isSample: effort.isQuick };
}

function printDetails({ problems, evidence, notes }: Tally): void {
  for (const text of notes) console.error(`  ${text}`);
  for (const text of problems.slice(0, MAX_PRINTED)) console.error(`  ${text}`);
  if (problems.length > MAX_PRINTED) console.error(`  … and ${problems.length - MAX_PRINTED} more`);
  if (evidence.length > 0) console.error(`  evidence is in ${evidence.slice(0, MAX_PRINTED).join(", ")}`);
}

/** Whether a row has no problems. A row that did not run counts as good. */
function isGood({ tally: { losses, duplicates, problems } }: Result): boolean {
  return losses + duplicates + problems.length === 0;
}

/** How many rows run at the same time. Most of them wait from time to time. */
const ROWS_AT_ONCE = 2;

/** Runs rows concurrently, and reports them in their order. */
async function runRows(rows: readonly Row[], effort: Effort, onResult: (result: Result) => void): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0, reported = 0;
  async function work(): Promise<void> {
    for (let at = next++; at < rows.length; at = next++) {
      results[at] = await runRow(rows[at], effort);
      while (results[reported] !== undefined) onResult(results[reported++]);
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
    unknown(name) {
      console.error(`Unknown argument: ${name}. Use: deno task faults [--quick] [--row N]… [--jobs N] [--write]`);
      Deno.exit(64);
    },
  });
  const effort = { isQuick: args.quick, jobs: Number(args.jobs ?? 2 * navigator.hardwareConcurrency) };
  const rows = ROWS.filter(({ number }) => !args.row?.length || args.row.includes(String(number)));
  const began = Date.now();
  console.log(HEAD);
  const results = await runRows(rows, effort, (result) => {
    console.log(formatLine(result));
    if (args.write) Deno.writeTextFileSync(DOCUMENT, withLine(Deno.readTextFileSync(DOCUMENT), result));
    printDetails(result.tally);
  });
  const bad = results.filter((result) => !isGood(result)).length;
  const missing = results.filter(({ tally }) => tally.notRun.length > 0).length;
  console.log(`\n${formatTotal(results, (Date.now() - began) / 60_000)}`);
  console.log(`${results.length - bad} of ${results.length} rows hold, ${missing} of them not run in full`);
  return bad === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await withBundle(main));
