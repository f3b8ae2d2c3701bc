/**
 * The benchmarks: `deno task bench [--quick] [--write] [ROW...]`.
 *
 * ```text
 * ROW       send help binary enqueue flush backlog status deliverer; all by default
 * --quick   few rounds and small queues, in about a minute
 * --write   puts the table into docs/performance.md
 * ```
 *
 * Everything is compared with a floor: a small program in `floors/` that does only what is
 * necessary. Both run in turns in one run, and the median of the ratios of the pairs counts. So the
 * ratios change little if the machine becomes slower.
 *
 * @module
 */

import { deliverRows } from "./rows/deliverer.ts";
import { enqueueRows } from "./rows/enqueue.ts";
import { flushRows } from "./rows/flush.ts";
import { backlogRows, statusRows } from "./rows/backlog.ts";
import { binaryRows, helpRows, sendRows } from "./rows/start.ts";
import type { Line, Row } from "./row.ts";
import { BenchWorld } from "./world.ts";

const ROWS: readonly Row[] = [
  ...[sendRows, helpRows, binaryRows, enqueueRows, flushRows, backlogRows, statusRows, deliverRows],
];

const PAGE = new URL("../../docs/performance.md", import.meta.url);
/** The table of the page begins with its header and ends at the next empty line. */
const TABLE_REGEXP = /^\| what .*?\n(?=\n|$(?![\r\n]))/ms;

const flags = Deno.args.filter((arg) => arg.startsWith("--"));
const names = Deno.args.filter((arg) => !arg.startsWith("--"));
const known = new Set(ROWS.map(({ name }) => name));
const unknown = [
  ...names.filter((name) => !known.has(name)),
  ...flags.filter((flag) => flag !== "--quick" && flag !== "--write"),
];
if (unknown.length > 0) {
  console.error(`Cannot measure ${unknown.join(" ")}: known rows are ${[...known].join(", ")}`);
  Deno.exit(64);
}

const lines: Line[] = [];
{
  await using world = await BenchWorld.open();
  for (const row of ROWS.filter(({ name }) => names.length === 0 || names.includes(name))) {
    lines.push(...await row.run(world, { isQuick: flags.includes("--quick") }));
  }
}
const table = formatTable(lines);
console.log(`${describeMachine()}\n\n${table}`);
if (flags.includes("--write")) {
  const page = Deno.readTextFileSync(PAGE);
  Deno.writeTextFileSync(PAGE, page.replace(TABLE_REGEXP, () => table));
}

function formatTable(lines: readonly Line[]): string {
  const rows = lines.map(({ what, goal, wall = "", cpu = "", memory = "", note }) => {
    return [what, goal, [wall, note].filter(Boolean).join("; "), cpu, memory];
  });
  const head = ["what", "goal", "wall", "CPU", "peak memory"];
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

function describeMachine(): string {
  const model = /^model name\s*:\s*(.*)$/m.exec(Deno.readTextFileSync("/proc/cpuinfo"))?.[1] ?? "unknown";
  const load = Deno.loadavg()[0].toFixed(1);
  return `Deno ${Deno.version.deno}, ${navigator.hardwareConcurrency} CPUs (${model}), load ${load} at the end.`;
}
