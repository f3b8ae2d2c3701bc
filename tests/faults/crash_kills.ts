/**
 * A process is killed, another one goes on, and then the power fails.
 *
 * @module
 */

import { type Actor, draft, fallback } from "./crash_actor.ts";
import type { Fate } from "./crash_files.ts";
import { DELIVERED, fill, holdLock, REFUSED } from "./crash_props.ts";
import { Scene } from "./crash_scene.ts";

/** A process that is killed at its first, second, … operation, until it comes through. */
export interface CrashKill {
  readonly name: string;
  /** At how many states to look at each moment. */
  readonly limit: number;
  readonly before?: (scene: Scene) => Promise<void>;
  readonly doomed: (actor: Actor) => Promise<unknown>;
}

/**
 * Kills a process at each of its operations; each time another one goes on.
 *
 * @param factor how many times as many states as it has by itself
 * @returns how many states it looked at
 * @throws {BrokenPromiseError} when a promise is broken
 */
export async function killEverywhere({ limit, before, doomed }: CrashKill, factor: number = 1): Promise<number> {
  let states = 0;
  for (let fatal = 1, killed = true; killed; fatal++) {
    const scene = new Scene();
    await before?.(scene);
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
    await survivor.queue.importSpool();
    await survivor.queue.sweepAttachments();
    // An announced enqueue promises the bytes alone; whoever was killed may have left a name that is not on the disk yet.
    survivor.queue.syncName();
    await survivor.enqueue([draft("survivor")], { announced: true });
    await survivor.announce("waits");
    await survivor.settle("waits", DELIVERED);
    states += await scene.cutPower(Math.ceil(limit * factor));
  }
  return states;
}

/** All of them. */
export const CRASH_KILLS: readonly CrashKill[] = [
  {
    name: "one that enqueues",
    limit: 25,
    async doomed(actor) {
      await actor.enqueue([draft("waits")]);
      await actor.enqueue([draft("b")], { announced: true });
      await actor.settle("b", DELIVERED);
    },
  },
  {
    name: "one that gathers a digest, sends it and settles it",
    limit: 15,
    async doomed(actor) {
      await actor.gather("a", "b", "c");
      await actor.settleDigest(REFUSED);
      await actor.queue.announce(actor.digests());
      await actor.settleDigest(DELIVERED, { isProof: true });
    },
    async before(scene) {
      await scene.actor().enqueue([draft("a"), draft("b"), draft("c"), draft("waits")]);
    },
  },
  {
    name: "one that sends files and sweeps",
    limit: 10,
    async doomed(actor) {
      await actor.attach("waits");
      await actor.attach("b", { announced: true });
      await actor.settle("b", DELIVERED);
      await actor.queue.sweepAttachments();
    },
  },
  {
    name: "one that sends by a fallback, and then delivers what it stood in for",
    limit: 15,
    async doomed(actor) {
      await actor.announce("b2");
      await actor.settle("b2", DELIVERED, { isProof: true });
      await actor.announce("a", "b");
      await actor.settle("a", DELIVERED, { isProof: true });
      await actor.settle("b", DELIVERED, { isProof: true });
    },
    async before(scene) {
      const [a, b] = [draft("a"), draft("b")];
      await scene.actor().enqueue([a, b, draft("waits"), fallback("a2", a), fallback("b2", b)]);
    },
  },
  {
    name: "one that compacts",
    limit: 8,
    doomed: (actor) => actor.queue.compact(),
    async before(scene) {
      const actor = scene.actor();
      await actor.enqueue([draft("waits")]);
      await fill(scene, actor);
    },
  },
  {
    name: "one that takes in what came by the side door",
    limit: 15,
    doomed: (actor) => actor.queue.importSpool(),
    async before(scene) {
      const actor = scene.actor();
      await actor.enqueue([draft("a")]);
      const lock = holdLock(scene);
      await actor.enqueue([draft("waits")]);
      lock.release();
    },
  },
];
