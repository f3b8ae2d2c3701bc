/** Kills a process at each operation; another one goes on, and then the power fails. */

import { assertGreater } from "@std/assert";
import { CRASH_KILLS, killEverywhere } from "./crash_kills.ts";

let states = 0;

for (const crashKill of CRASH_KILLS) {
  Deno.test(`Queue keeps every promise after a kill at any operation and a power cut: ${crashKill.name}`, async () => {
    states += await killEverywhere(crashKill);
  });
}

Deno.test("killEverywhere() checks more than 1,000 states", () => {
  console.log(`${states} states after power cuts were checked`);
  assertGreater(states, 1000);
});
