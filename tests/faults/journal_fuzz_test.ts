/** Damages the journal in thousands of ways. Each costs only the damaged lines. */

import { fuzz } from "./journal_fuzz.ts";

const ROUNDS = 3000;

Deno.test(`Queue.open() loses only damaged lines when a journal is damaged at random, ${ROUNDS} times`, async () => {
  const tally = new Map<string, number>();
  for (let round = 1; round <= ROUNDS; round++) {
    for (const name of await fuzz(round)) tally.set(name, (tally.get(name) ?? 0) + 1);
  }
  console.log(`${ROUNDS} rounds: ${[...tally].map(([name, count]) => `${name} ${count}`).join(", ")}`);
});
