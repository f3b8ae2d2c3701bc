/**
 * Measures: `deno task bench send [ROUNDS]`, `deno task bench status [ENTRIES...]`; both with their defaults when none is named.
 *
 * @module
 */

import { benchSend } from "./send_bench.ts";
import { benchStatus } from "./status_bench.ts";

const BENCHES: ReadonlyMap<string, (counts: readonly number[]) => Promise<void>> = new Map([
  ["send", benchSend],
  ["status", benchStatus],
]);

const [name, ...counts] = Deno.args;
const chosen = name === undefined ? [...BENCHES.values()] : [BENCHES.get(name)];
for (const bench of chosen) {
  if (bench === undefined) throw new Error(`Cannot measure "${name}": it is none of ${[...BENCHES.keys()].join(", ")}`);
  await bench(counts.map(Number));
}
