/** The journal is spoiled in thousands of ways, and each costs what was spoiled. */

import { fuzz } from "./fuzz.ts";

const ROUNDS = 3000;

Deno.test(`a journal that was spoiled in one of ${ROUNDS} ways costs what was spoiled, and nothing else`, async () => {
  const tally = new Map<string, number>();
  for (let round = 1; round <= ROUNDS; round++) {
    for (const name of await fuzz(round)) tally.set(name, (tally.get(name) ?? 0) + 1);
  }
  console.log(`${ROUNDS} rounds: ${[...tally].map(([name, count]) => `${name} ${count}`).join(", ")}`);
});
