/** Where all features meet: dice say what happens, and the oracle judges. More seeds, by hand: `deno task seams SEEDS`. */

import { assertEquals } from "@std/assert";
import { playSeams } from "./seams.ts";

for (const seed of [284, 313, 319, 461]) {
  Deno.test(`where all features meet nothing is lost, nothing comes twice and nothing is left: seed ${seed}`, async () => {
    const { problems, log } = await playSeams(seed);
    assertEquals(problems, [], log.join("\n"));
  });
}
