/**
 * A process is killed, another one goes on, and then the power fails.
 *
 * @module
 */

import { assertGreater } from "@std/assert";
import { type Actor, draft } from "./crash_actor.ts";
import type { Fate } from "./crash_files.ts";
import { DELIVERED, fill, holdLock, REFUSED } from "./crash_props.ts";
import { Scene } from "./crash_scene.ts";

let states = 0;

/** Kills a process at its first, second, … operation, until it comes through; each time another one goes on. */
function killTest(
  name: string,
  limit: number,
  doomed: (actor: Actor) => Promise<unknown>,
  before: (scene: Scene) => Promise<void> = async () => {},
): void {
  Deno.test(`after a kill at any operation and a power cut every promise is kept: ${name}`, async () => {
    for (let fatal = 1, killed = true; killed; fatal++) {
      const scene = new Scene();
      await before(scene);
      let operations = 0;
      killed = false;
      const fate = (): Fate => ++operations === fatal ? "die" : undefined;
      try {
        await doomed(scene.actor(fate));
      } catch (error) {
        killed = operations >= fatal;
        if (!killed) throw error;
      }
      const survivor = scene.actor();
      await survivor.queue.seal();
      await survivor.queue.takeIn();
      // An announced enqueue promises the bytes alone; whoever was killed may have left a name that is not on the disk yet.
      survivor.queue.syncName();
      await survivor.enqueue([draft("survivor")], { announced: true });
      await survivor.announce("waits");
      await survivor.settle("waits", DELIVERED);
      states += await scene.cutPower(limit);
    }
  });
}

killTest("one that enqueues", 25, async (actor) => {
  await actor.enqueue([draft("waits")]);
  await actor.enqueue([draft("b")], { announced: true });
  await actor.settle("b", DELIVERED);
});

killTest("one that gathers a digest, sends it and settles it", 15, async (actor) => {
  await actor.gather("a", "b", "c");
  await actor.settleDigest(REFUSED);
  await actor.queue.announce(actor.digests());
  await actor.settleDigest(DELIVERED, { isProof: true });
}, async (scene) => {
  await scene.actor().enqueue([draft("a"), draft("b"), draft("c"), draft("waits")]);
});

killTest("one that compacts", 8, async (actor) => await actor.queue.compact(), async (scene) => {
  const actor = scene.actor();
  await actor.enqueue([draft("waits")]);
  await fill(scene, actor);
});

killTest(
  "one that takes in what came by the side door",
  15,
  async (actor) => await actor.queue.takeIn(),
  async (scene) => {
    const actor = scene.actor();
    await actor.enqueue([draft("a")]);
    const lock = holdLock(scene);
    await actor.enqueue([draft("waits")]);
    lock.release();
  },
);

Deno.test("the power was cut often enough", () => {
  console.log(`${states} states after power cuts were looked at`);
  assertGreater(states, 1000);
});
