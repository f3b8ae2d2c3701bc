/**
 * Kills a process at each of its operations. Another process goes on, and then the power fails.
 *
 * @module
 */

import { type Actor, createFallback, createRequest, createRequests } from "./crash_actor.ts";
import type { OperationFault } from "./crash_files.ts";
import { DELIVERED, fill, holdLock, RATE_LIMITED } from "./crash_props.ts";
import { Scene } from "./crash_scene.ts";

/**
 * A process that is killed at its first operation, then at its second, and so on, until it
 * completes.
 */
export interface CrashKill {
  readonly name: string;
  /** The maximum number of checked states per moment. */
  readonly limit: number;
  readonly before?: (scene: Scene) => Promise<void>;
  readonly run: (actor: Actor) => Promise<unknown>;
}

/**
 * Kills a process at each of its operations and checks the states after power cuts.
 *
 * @param factor multiplies the maximum number of states
 * @returns the number of checked states
 * @throws {BrokenPromiseError} if a promise is broken
 */
export async function killEverywhere({ limit, before, run }: CrashKill, factor: number = 1): Promise<number> {
  let states = 0;
  for (let fatal = 1, killed = true; killed; fatal++) {
    const scene = new Scene();
    await before?.(scene);
    let operations = 0;
    killed = false;
    const chooseFault = (): OperationFault => ++operations === fatal ? "kill" : undefined;
    try {
      await run(scene.actor(chooseFault));
    } catch (error) {
      killed = operations >= fatal;
      if (!killed) throw error;
    }
    const survivor = scene.actor();
    await survivor.queue.seal();
    await survivor.queue.importSpool();
    await survivor.queue.sweepAttachments();
    // An announced enqueue promises only the bytes. The killed process may have created a file
    // whose name is not synced yet.
    survivor.queue.syncName();
    await survivor.enqueue([createRequest("survivor")], { announced: true });
    await survivor.announce("waits");
    await survivor.settle("waits", DELIVERED);
    states += await scene.cutPower(Math.ceil(limit * factor));
  }
  return states;
}

export const CRASH_KILLS: readonly CrashKill[] = [
  {
    name: "enqueue",
    limit: 25,
    async run(actor) {
      await actor.enqueue([createRequest("waits")]);
      await actor.enqueue([createRequest("b")], { announced: true });
      await actor.settle("b", DELIVERED);
    },
  },
  {
    name: "batch, attempts, result",
    limit: 15,
    async run(actor) {
      await actor.batch("a", "b", "c");
      await actor.settleBatches(RATE_LIMITED);
      await actor.queue.announce(actor.batches());
      await actor.settleBatches(DELIVERED, { isProof: true });
    },
    async before(scene) {
      await scene.actor().enqueue(createRequests("a", "b", "c", "waits"));
    },
  },
  {
    name: "attachments and their sweep",
    limit: 10,
    async run(actor) {
      await actor.attach("waits");
      await actor.attach("b", { announced: true });
      await actor.settle("b", DELIVERED);
      await actor.queue.sweepAttachments();
    },
  },
  {
    name: "fallbacks, then their primaries",
    limit: 15,
    async run(actor) {
      await actor.announce("b2");
      await actor.settle("b2", DELIVERED, { isProof: true });
      await actor.announce("a", "b");
      await actor.settle("a", DELIVERED, { isProof: true });
      await actor.settle("b", DELIVERED, { isProof: true });
    },
    async before(scene) {
      const [a, b] = [createRequest("a"), createRequest("b")];
      await scene.actor().enqueue([a, b, createRequest("waits"), createFallback("a2", a), createFallback("b2", b)]);
    },
  },
  {
    name: "compaction",
    limit: 8,
    run: (actor) => actor.queue.compact(),
    async before(scene) {
      const actor = scene.actor();
      await actor.enqueue([createRequest("waits")]);
      await fill(scene, actor);
    },
  },
  {
    name: "import of the spool",
    limit: 15,
    run: (actor) => actor.queue.importSpool(),
    async before(scene) {
      const actor = scene.actor();
      await actor.enqueue([createRequest("a")]);
      const lock = holdLock(scene);
      await actor.enqueue([createRequest("waits")]);
      lock.release();
    },
  },
];
