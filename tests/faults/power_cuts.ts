/**
 * Scenes of processes for power cuts after every operation on every file.
 *
 * @module
 */

import { assert } from "@std/assert";
import { encodeRecord } from "../../src/queue/journal_line.ts";
import { createFallback, createRequest, createRequests } from "./crash_actor.ts";
import { DELIVERED, fill, holdLock, RATE_LIMITED, REJECTED } from "./crash_props.ts";
import { JOURNAL, Scene } from "./crash_scene.ts";

/** A scene for power cuts. */
export interface PowerCut {
  readonly name: string;
  /** The maximum number of checked states per moment. */
  readonly limit: number;
  readonly play: (scene: Scene) => Promise<void>;
}

/**
 * Plays a scene and checks the states that power cuts leave at each moment.
 *
 * @param factor multiplies the maximum number of states
 * @returns the number of checked states
 * @throws {BrokenPromiseError} if a promise is broken
 */
export async function cutPower({ play, limit }: PowerCut, factor: number = 1): Promise<number> {
  const scene = new Scene();
  await play(scene);
  return await scene.cutPower(Math.ceil(limit * factor));
}

export const POWER_CUTS: readonly PowerCut[] = Array.from(powerCuts());

function* powerCuts(): Generator<PowerCut> {
  yield {
    name: "the first entries of a queue",
    limit: 4000,
    play: async (scene) => {
      const actor = scene.actor();
      await actor.enqueue([createRequest("a")]);
      await actor.enqueue([createRequest("b")], { announced: true });
      await actor.settle("b", DELIVERED);
    },
  };

  yield {
    name: "entries that span sectors",
    limit: 80,
    play: async (scene) => {
      const actor = scene.actor();
      await actor.enqueue([createRequest("a", 3000), createRequest("b", 200), createRequest("c", 3000)]);
      await actor.enqueue([createRequest("d", 2000)], { announced: true });
      await actor.settle("d", RATE_LIMITED);
      await actor.enqueue([createRequest("e", 3000)]);
    },
  };

  yield {
    name: "everything that can happen to an entry",
    limit: 60,
    play: async (scene) => {
      const actor = scene.actor();
      await actor.enqueue(createRequests("a", "b", "c", "d", "e", "f"));
      await actor.announce("a", "b");
      await actor.settle("a", RATE_LIMITED);
      await actor.withdraw("b");
      await actor.queue.requestFlush();
      await actor.announce("a", "b", "c", "d", "e");
      await actor.settle("a", DELIVERED);
      await actor.settle("b", REJECTED);
      await actor.settle("c", DELIVERED, { isProof: true });
      await actor.settle("d", { ...RATE_LIMITED, class: "in-doubt" });
      await actor.retry("b", "d");
      await actor.drop("b");
      await actor.queue.seal();
      await actor.announce("d");
      await actor.settle("d", REJECTED);
      await actor.settle("e", DELIVERED);
    },
  };

  yield {
    name: "a batch that is rate-limited and delivered, and one that is rejected",
    limit: 60,
    play: async (scene) => {
      const actor = scene.actor();
      await actor.enqueue(createRequests("a", "b", "c", "d", "e"));
      await actor.batch("a", "b", "c");
      await actor.settleBatches(RATE_LIMITED);
      await actor.enqueue([createRequest("f", 600)]);
      await actor.queue.announce(actor.batches());
      await actor.settleBatches(DELIVERED);
      await actor.batch("d", "e");
      await actor.settleBatches(REJECTED);
      await actor.announce("d");
      await actor.settle("d", DELIVERED, { isProof: true });
      await actor.batch("f");
      await actor.settleBatches(DELIVERED, { isProof: true });
    },
  };

  yield {
    name: "a batch during a compaction",
    limit: 40,
    play: async (scene) => {
      const actor = scene.actor();
      await actor.enqueue(createRequests("before", "a", "b", "c", "after"));
      await actor.batch("a", "b", "c");
      await actor.settleBatches(RATE_LIMITED);
      await fill(scene, actor);
      assert(await actor.queue.compact());
      await actor.drop("b");
      await actor.queue.announce(actor.batches());
      await actor.settleBatches(DELIVERED, { isProof: true });
    },
  };

  yield {
    name: "fallbacks that are cancelled, sent, and sent while their primary is delivered",
    limit: 60,
    play: async (scene) => {
      const actor = scene.actor();
      const [a, b, c, d, e] = ["a", "b", "c", "d", "e"].map((subject) => createRequest(subject));
      await actor.enqueue([a, createFallback("a2", a)], { announced: true });
      await actor.settle("a", DELIVERED);
      await actor.enqueue([b, c, createFallback("b2", b, c)], { announced: true });
      await actor.settle("b", RATE_LIMITED);
      await actor.settle("c", DELIVERED, { isProof: true });
      await actor.announce("b", "b2");
      await actor.settle("b2", DELIVERED, { isProof: true });
      await actor.settle("b", DELIVERED);
      await actor.enqueue([d, createFallback("d2", d)]);
      await actor.announce("d");
      await actor.settle("d", REJECTED);
      await actor.announce("d2");
      await actor.settle("d2", DELIVERED);
      await actor.enqueue([e, createFallback("e2", e)], { announced: true });
      await actor.drop("e2");
      await actor.settle("e", DELIVERED, { isProof: true });
    },
  };

  yield {
    name: "fallbacks during a compaction and in the spool",
    limit: 40,
    play: async (scene) => {
      const actor = scene.actor();
      const [a, b, c] = ["a", "b", "c"].map((subject) => createRequest(subject));
      await actor.enqueue([a, createFallback("a2", a)], { announced: true });
      await actor.settle("a", RATE_LIMITED);
      await actor.enqueue([b, createFallback("b2", b)]);
      await actor.announce("b");
      await actor.settle("b", REJECTED);
      await fill(scene, actor);
      assert(await actor.queue.compact());
      await actor.announce("a");
      await actor.settle("a", DELIVERED, { isProof: true });
      const lock = holdLock(scene);
      await actor.enqueue([c, createFallback("c2", c)]);
      lock.release();
      await actor.queue.importSpool();
      await actor.announce("c", "b2");
      await actor.settle("c", DELIVERED, { isProof: true });
      await actor.settle("b2", DELIVERED, { isProof: true });
    },
  };

  yield {
    name: "two processes, in turns and at the same time",
    limit: 50,
    play: async (scene) => {
      const [one, two] = [scene.actor(), scene.actor()];
      await one.enqueue([createRequest("a")]);
      await two.enqueue([createRequest("b")], { announced: true });
      await one.announce("a");
      await Promise.all([one.settle("a", DELIVERED), two.settle("b", RATE_LIMITED), one.enqueue([createRequest("c")])]);
      await Promise.all([two.enqueue([createRequest("d")]), one.enqueue([createRequest("e")]), two.drop("c")]);
      await one.retry("b");
    },
  };

  for (const cut of [1, 40, -1, 0]) {
    yield {
      name: `a line that a killed process left cut at ${cut}`,
      limit: 150,
      play: async (scene) => {
        const actor = scene.actor();
        await actor.enqueue([createRequest("a")]);
        const { request } = scene.ledger.promises.get("a")!;
        const line = encodeRecord({ t: "enq", id: crypto.randomUUID(), time: 1, ...createRequest("torn") });
        scene.ledger.set("torn", {
          ...scene.ledger.promises.get("a")!,
          request: { ...request, ...createRequest("torn") },
          present: "may",
          resolved: undefined,
          call: scene.ledger.tick(),
        });
        using file = actor.files.open(JOURNAL, "append");
        file.append(line.subarray(0, cut === 0 ? line.length : cut));
        await actor.enqueue([createRequest("b")], { announced: true });
        await actor.settle("b", DELIVERED);
        await actor.queue.seal();
      },
    };
  }

  yield {
    name: "a compaction",
    limit: 40,
    play: async (scene) => {
      const [actor, other] = [scene.actor(), scene.actor()];
      await actor.enqueue(createRequests("waits", "refused", "dead"));
      await fill(scene, actor);
      await actor.announce("refused", "dead");
      await actor.settle("refused", RATE_LIMITED);
      await actor.settle("dead", REJECTED);
      await other.enqueue([createRequest("left")], { announced: true });
      assert(await actor.queue.compact());
      await other.enqueue([createRequest("next")], { announced: true });
      await other.settle("left", DELIVERED);
      await actor.announce("waits");
      await actor.enqueue([createRequest("last")]);
    },
  };

  yield {
    name: "two compactions, with a torn line between them",
    limit: 12,
    play: async (scene) => {
      const [actor, other] = [scene.actor(), scene.actor()];
      await actor.enqueue([createRequest("waits")]);
      for (const round of [1, 2]) {
        await fill(scene, actor);
        await other.enqueue([createRequest(`left ${round}`)], { announced: true });
        using file = other.files.open(JOURNAL, "append");
        file.append(new TextEncoder().encode('{"v":1,"t":"enq","id'));
        assert(await actor.queue.compact());
        await other.enqueue([createRequest(`next ${round}`)]);
      }
    },
  };

  yield {
    name: "attachments that are staged, delivered, and swept while another one is staged",
    limit: 40,
    play: async (scene) => {
      const [actor, other] = [scene.actor(), scene.actor()];
      await actor.attach("a");
      await actor.attach("b", { announced: true });
      await actor.settle("b", DELIVERED);
      await actor.announce("a");
      await Promise.all([actor.queue.sweepAttachments(), other.attach("c")]);
      await actor.settle("a", DELIVERED);
      await actor.queue.sweepAttachments();
      await other.drop("c");
    },
  };

  yield {
    name: "an attachment of a spooled entry during a sweep",
    limit: 60,
    play: async (scene) => {
      const [actor, other] = [scene.actor(), scene.actor()];
      await actor.attach("a");
      const lock = holdLock(scene);
      await other.attach("spooled");
      lock.release();
      await actor.settle("a", DELIVERED);
      await actor.queue.sweepAttachments();
      await actor.queue.importSpool();
      await actor.queue.sweepAttachments();
    },
  };

  yield {
    name: "a lock that is never released, and the spool",
    limit: 100,
    play: async (scene) => {
      const actor = scene.actor();
      await actor.enqueue([createRequest("a")]);
      const lock = holdLock(scene);
      await actor.enqueue(createRequests("spooled 1", "spooled 2"));
      await actor.enqueue([createRequest("spooled 3")], { announced: true });
      lock.release();
      await actor.enqueue([createRequest("b")]);
      await actor.queue.importSpool();
      await actor.announce("spooled 1", "spooled 3");
      await actor.settle("spooled 1", DELIVERED, { isProof: true });
    },
  };

  for (const operation of ["syncData", "syncDirectory", "append"] as const) {
    yield {
      name: `a disk that fails once at ${operation}`,
      limit: 100,
      play: async (scene) => {
        await scene.actor().enqueue([createRequest("a")]);
        let hasFailed = false;
        const actor = scene.actor((current) => {
          if (current !== operation || hasFailed) return undefined;
          hasFailed = true;
          return "fail";
        });
        await actor.enqueue([createRequest("spooled")]);
        assert(hasFailed);
        await actor.enqueue([createRequest("b")], { announced: true });
        await actor.queue.importSpool();
        await actor.announce("a");
      },
    };
  }
}
