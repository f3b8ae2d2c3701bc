/**
 * The power fails after every operation on every file. In each state that the disk can be in, the
 * queue keeps its promises and works.
 *
 * @module
 */

import { assertGreater } from "@std/assert";
import { cutPower, POWER_CUTS } from "./power_cuts.ts";

let states = 0;

for (const powerCut of POWER_CUTS) {
  Deno.test(`Queue keeps every promise after a power cut: ${powerCut.name}`, async () => {
    states += await cutPower(powerCut);
  });
}

Deno.test("cutPower() checks more than 10,000 states", () => {
  console.log(`${states} states after power cuts were checked`);
  assertGreater(states, 10_000);
});
