/**
 * The power fails, behind every operation on every file, and leaves each time one of the things that a disk may hold then. What was promised is kept, and
 * the queue goes on.
 *
 * @module
 */

import { assertGreater } from "@std/assert";
import { cutPower, POWER_CUTS } from "./power_cuts.ts";

let states = 0;

for (const powerCut of POWER_CUTS) {
  Deno.test(`after a power cut every promise is kept: ${powerCut.name}`, async () => {
    states += await cutPower(powerCut);
  });
}

Deno.test("the power was cut often enough", () => {
  console.log(`${states} states after power cuts were looked at`);
  assertGreater(states, 10_000);
});
