/** A few seeds of the random run. For more, run `deno task features SEEDS`. */

import { assertEquals } from "@std/assert";
import { playRandomRun } from "./random_run.ts";

for (const seed of [284, 313, 319, 461, 609]) {
  Deno.test(`playRandomRun() loses nothing, repeats nothing and leaves nothing behind with seed ${seed}`, async () => {
    const { problems, log } = await playRandomRun(seed);
    assertEquals(problems, [], log.join("\n"));
  });
}
