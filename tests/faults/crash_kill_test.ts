/** A process is killed, another one goes on, and then the power fails. */

import { assertGreater } from "@std/assert";
import { CRASH_KILLS, killEverywhere } from "./crash_kills.ts";

let states = 0;

for (const crashKill of CRASH_KILLS) {
  Deno.test(`after a kill at any operation and a power cut every promise is kept: ${crashKill.name}`, async () => {
    states += await killEverywhere(crashKill);
  });
}

Deno.test("the power was cut often enough", () => {
  console.log(`${states} states after power cuts were looked at`);
  assertGreater(states, 1000);
});
