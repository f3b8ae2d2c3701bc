/**
 * Benchmarks: `deno task bench send [ROUNDS]` and `deno task bench status [ENTRIES...]`. Without a
 * name both run.
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
  if (bench === undefined) {
    throw new Error(`Cannot measure "${name}": known benchmarks are ${[...BENCHES.keys()].join(", ")}`);
  }
  await bench(counts.map(Number));
}
