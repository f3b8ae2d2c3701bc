/**
 * What processes do while the power may fail behind every operation on every file.
 *
 * @module
 */

import { assert } from "@std/assert";
import { encodeRecord } from "../../src/queue/journal_line.ts";
import { draft, fallback } from "./crash_actor.ts";
import { DELIVERED, fill, holdLock, HOPELESS, REFUSED } from "./crash_props.ts";
import { JOURNAL, Scene } from "./crash_scene.ts";

/** Something to be played. */
export interface PowerCut {
  readonly name: string;
  /** At how many states to look at each of its moments. */
  readonly limit: number;
  readonly play: (scene: Scene) => Promise<void>;
}

/**
 * Plays a scene, and looks at what power cuts leave of each of its moments.
 *
 * @param factor how many times as many states as it has by itself
 * @returns how many it looked at
 * @throws {BrokenPromiseError} when a promise is broken
 */
export async function cutPower({ play, limit }: PowerCut, factor: number = 1): Promise<number> {
  const scene = new Scene();
  await play(scene);
  return await scene.cutPower(Math.ceil(limit * factor));
}

/** All of them. */
export const POWER_CUTS: readonly PowerCut[] = Array.from(powerCuts());

function* powerCuts(): Generator<PowerCut> {
  yield {
    name: "the first entries of a queue",
    limit: 4000,
    play: async (scene) => {
      const actor = scene.actor();
      await actor.enqueue([draft("a")]);
      await actor.enqueue([draft("b")], { announced: true });
      await actor.settle("b", DELIVERED);
    },
  };

  yield {
    name: "entries that span sectors",
    limit: 80,
    play: async (scene) => {
      const actor = scene.actor();
      await actor.enqueue([draft("a", 3000), draft("b", 200), draft("c", 3000)]);
      await actor.enqueue([draft("d", 2000)], { announced: true });
      await actor.settle("d", REFUSED);
      await actor.enqueue([draft("e", 3000)]);
    },
  };

  yield {
    name: "everything that can happen to an entry",
    limit: 60,
    play: async (scene) => {
      const actor = scene.actor();
      await actor.enqueue([draft("a"), draft("b"), draft("c"), draft("d"), draft("e"), draft("f")]);
      await actor.announce("a", "b");
      await actor.settle("a", REFUSED);
      await actor.withdraw("b");
      await actor.queue.requestFlush();
      await actor.announce("a", "b", "c", "d", "e");
      await actor.settle("a", DELIVERED);
      await actor.settle("b", HOPELESS);
      await actor.settle("c", DELIVERED, { isProof: true });
      await actor.settle("d", { ...REFUSED, class: "in-doubt" });
      await actor.retry("b", "d");
      await actor.drop("b");
      await actor.queue.seal();
      await actor.announce("d");
      await actor.settle("d", HOPELESS);
      await actor.settle("e", DELIVERED);
    },
  };

  yield {
    name: "a digest that is refused once, delivered, and one that is refused for good",
    limit: 60,
    play: async (scene) => {
      const actor = scene.actor();
      await actor.enqueue([draft("a"), draft("b"), draft("c"), draft("d"), draft("e")]);
      await actor.gather("a", "b", "c");
      await actor.settleDigest(REFUSED);
      await actor.enqueue([draft("f", 600)]);
      await actor.queue.announce(actor.digests());
      await actor.settleDigest(DELIVERED);
      await actor.gather("d", "e");
      await actor.settleDigest(HOPELESS);
      await actor.announce("d");
      await actor.settle("d", DELIVERED, { isProof: true });
      await actor.gather("f");
      await actor.settleDigest(DELIVERED, { isProof: true });
    },
  };

  yield {
    name: "a digest that a compaction meets",
    limit: 40,
    play: async (scene) => {
      const actor = scene.actor();
      await actor.enqueue([draft("before"), draft("a"), draft("b"), draft("c"), draft("after")]);
      await actor.gather("a", "b", "c");
      await actor.settleDigest(REFUSED);
      await fill(scene, actor);
      assert(await actor.queue.compact());
      await actor.drop("b");
      await actor.queue.announce(actor.digests());
      await actor.settleDigest(DELIVERED, { isProof: true });
    },
  };

  yield {
    name: "fallbacks that are spared, sent, and sent while the other arrives",
    limit: 60,
    play: async (scene) => {
      const actor = scene.actor();
      const [a, b, c, d, e] = ["a", "b", "c", "d", "e"].map((subject) => draft(subject));
      await actor.enqueue([a, fallback("a2", a)], { announced: true });
      await actor.settle("a", DELIVERED);
      await actor.enqueue([b, c, fallback("b2", b, c)], { announced: true });
      await actor.settle("b", REFUSED);
      await actor.settle("c", DELIVERED, { isProof: true });
      await actor.announce("b", "b2");
      await actor.settle("b2", DELIVERED, { isProof: true });
      await actor.settle("b", DELIVERED);
      await actor.enqueue([d, fallback("d2", d)]);
      await actor.announce("d");
      await actor.settle("d", HOPELESS);
      await actor.announce("d2");
      await actor.settle("d2", DELIVERED);
      await actor.enqueue([e, fallback("e2", e)], { announced: true });
      await actor.drop("e2");
      await actor.settle("e", DELIVERED, { isProof: true });
    },
  };

  yield {
    name: "fallbacks that a compaction meets, and the side door",
    limit: 40,
    play: async (scene) => {
      const actor = scene.actor();
      const [a, b, c] = ["a", "b", "c"].map((subject) => draft(subject));
      await actor.enqueue([a, fallback("a2", a)], { announced: true });
      await actor.settle("a", REFUSED);
      await actor.enqueue([b, fallback("b2", b)]);
      await actor.announce("b");
      await actor.settle("b", HOPELESS);
      await fill(scene, actor);
      assert(await actor.queue.compact());
      await actor.announce("a");
      await actor.settle("a", DELIVERED, { isProof: true });
      const lock = holdLock(scene);
      await actor.enqueue([c, fallback("c2", c)]);
      lock.release();
      await actor.queue.importSpool();
      await actor.announce("c", "b2");
      await actor.settle("c", DELIVERED, { isProof: true });
      await actor.settle("b2", DELIVERED, { isProof: true });
    },
  };

  yield {
    name: "two processes take turns, and do not",
    limit: 50,
    play: async (scene) => {
      const [one, two] = [scene.actor(), scene.actor()];
      await one.enqueue([draft("a")]);
      await two.enqueue([draft("b")], { announced: true });
      await one.announce("a");
      await Promise.all([one.settle("a", DELIVERED), two.settle("b", REFUSED), one.enqueue([draft("c")])]);
      await Promise.all([two.enqueue([draft("d")]), one.enqueue([draft("e")]), two.drop("c")]);
      await one.retry("b");
    },
  };

  for (const cut of [1, 40, -1, 0]) {
    yield {
      name: `a writer that was killed left a line cut at ${cut}`,
      limit: 150,
      play: async (scene) => {
        const actor = scene.actor();
        await actor.enqueue([draft("a")]);
        const { draft: envelope } = scene.ledger.promises.get("a")!;
        const line = encodeRecord({ t: "enq", id: crypto.randomUUID(), time: 1, ...draft("torn") });
        scene.ledger.set("torn", {
          ...scene.ledger.promises.get("a")!,
          draft: { ...envelope, ...draft("torn") },
          present: "may",
          resolved: undefined,
          batch: scene.ledger.tick(),
        });
        using file = actor.files.open(JOURNAL, "append");
        file.append(line.subarray(0, cut === 0 ? line.length : cut));
        await actor.enqueue([draft("b")], { announced: true });
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
      await actor.enqueue([draft("waits"), draft("refused"), draft("dead")]);
      await fill(scene, actor);
      await actor.announce("refused", "dead");
      await actor.settle("refused", REFUSED);
      await actor.settle("dead", HOPELESS);
      await other.enqueue([draft("left")], { announced: true });
      assert(await actor.queue.compact());
      await other.enqueue([draft("next")], { announced: true });
      await other.settle("left", DELIVERED);
      await actor.announce("waits");
      await actor.enqueue([draft("last")]);
    },
  };

  yield {
    name: "two compactions, with a torn line between them",
    limit: 12,
    play: async (scene) => {
      const [actor, other] = [scene.actor(), scene.actor()];
      await actor.enqueue([draft("waits")]);
      for (const round of [1, 2]) {
        await fill(scene, actor);
        await other.enqueue([draft(`left ${round}`)], { announced: true });
        using file = other.files.open(JOURNAL, "append");
        file.append(new TextEncoder().encode('{"v":1,"t":"enq","id'));
        assert(await actor.queue.compact());
        await other.enqueue([draft(`next ${round}`)]);
      }
    },
  };

  yield {
    name: "files that come in, are delivered, and are swept while another one comes in",
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
    name: "a file that waits at the side door while it is swept",
    limit: 60,
    play: async (scene) => {
      const [actor, other] = [scene.actor(), scene.actor()];
      await actor.attach("a");
      const lock = holdLock(scene);
      await other.attach("aside");
      lock.release();
      await actor.settle("a", DELIVERED);
      await actor.queue.sweepAttachments();
      await actor.queue.importSpool();
      await actor.queue.sweepAttachments();
    },
  };

  yield {
    name: "a lock that nobody lets go of, and the side door",
    limit: 100,
    play: async (scene) => {
      const actor = scene.actor();
      await actor.enqueue([draft("a")]);
      const lock = holdLock(scene);
      await actor.enqueue([draft("aside 1"), draft("aside 2")]);
      await actor.enqueue([draft("aside 3")], { announced: true });
      lock.release();
      await actor.enqueue([draft("b")]);
      await actor.queue.importSpool();
      await actor.announce("aside 1", "aside 3");
      await actor.settle("aside 1", DELIVERED, { isProof: true });
    },
  };

  for (const operation of ["syncData", "syncDirectory", "append"] as const) {
    yield {
      name: `a disk that refuses one ${operation}`,
      limit: 100,
      play: async (scene) => {
        await scene.actor().enqueue([draft("a")]);
        let refused = false;
        const actor = scene.actor((asked) => {
          if (asked !== operation || refused) return undefined;
          refused = true;
          return "fail";
        });
        await actor.enqueue([draft("aside")]);
        assert(refused);
        await actor.enqueue([draft("b")], { announced: true });
        await actor.queue.importSpool();
        await actor.announce("a");
      },
    };
  }
}
