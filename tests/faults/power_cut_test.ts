/**
 * The power fails, behind every operation on every file, and leaves each time one of the things that a disk may hold then. What was promised is kept, and
 * the queue goes on.
 *
 * @module
 */

import { assert, assertGreater } from "@std/assert";
import { encodeRecord } from "../../src/queue/record.ts";
import { draft } from "./crash_actor.ts";
import { DELIVERED, fill, holdLock, HOPELESS, REFUSED } from "./crash_props.ts";
import { JOURNAL, Scene } from "./crash_scene.ts";

let states = 0;

/** Plays a scene, and looks at up to `limit` states at each of its moments. */
function powerCutTest(name: string, limit: number, play: (scene: Scene) => Promise<void>): void {
  Deno.test(`after a power cut every promise is kept: ${name}`, async () => {
    const scene = new Scene();
    await play(scene);
    states += await scene.cutPower(limit);
  });
}

powerCutTest("the first entries of a queue", 4000, async (scene) => {
  const actor = scene.actor();
  await actor.enqueue([draft("a")]);
  await actor.enqueue([draft("b")], { announced: true });
  await actor.settle("b", DELIVERED);
});

powerCutTest("entries that span sectors", 80, async (scene) => {
  const actor = scene.actor();
  await actor.enqueue([draft("a", 3000), draft("b", 200), draft("c", 3000)]);
  await actor.enqueue([draft("d", 2000)], { announced: true });
  await actor.settle("d", REFUSED);
  await actor.enqueue([draft("e", 3000)]);
});

powerCutTest("everything that can happen to an entry", 60, async (scene) => {
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
  await actor.settle("d", { ...REFUSED, class: "ambiguous" });
  await actor.retry("b", "d");
  await actor.drop("b");
  await actor.queue.seal();
  await actor.announce("d");
  await actor.settle("d", HOPELESS);
  await actor.settle("e", DELIVERED);
});

powerCutTest("a digest that is refused once, delivered, and one that is refused for good", 60, async (scene) => {
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
});

powerCutTest("a digest that a compaction meets", 40, async (scene) => {
  const actor = scene.actor();
  await actor.enqueue([draft("before"), draft("a"), draft("b"), draft("c"), draft("after")]);
  await actor.gather("a", "b", "c");
  await actor.settleDigest(REFUSED);
  await fill(scene, actor);
  assert(await actor.queue.compact());
  await actor.drop("b");
  await actor.queue.announce(actor.digests());
  await actor.settleDigest(DELIVERED, { isProof: true });
});

powerCutTest("two processes take turns, and do not", 50, async (scene) => {
  const [one, two] = [scene.actor(), scene.actor()];
  await one.enqueue([draft("a")]);
  await two.enqueue([draft("b")], { announced: true });
  await one.announce("a");
  await Promise.all([one.settle("a", DELIVERED), two.settle("b", REFUSED), one.enqueue([draft("c")])]);
  await Promise.all([two.enqueue([draft("d")]), one.enqueue([draft("e")]), two.drop("c")]);
  await one.retry("b");
});

for (const cut of [1, 40, -1, 0]) {
  powerCutTest(`a writer that was killed left a line cut at ${cut}`, 150, async (scene) => {
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
  });
}

powerCutTest("a compaction", 40, async (scene) => {
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
});

powerCutTest("two compactions, with a torn line between them", 12, async (scene) => {
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
});

powerCutTest("a lock that nobody lets go of, and the side door", 100, async (scene) => {
  const actor = scene.actor();
  await actor.enqueue([draft("a")]);
  const lock = holdLock(scene);
  await actor.enqueue([draft("aside 1"), draft("aside 2")]);
  await actor.enqueue([draft("aside 3")], { announced: true });
  lock.release();
  await actor.enqueue([draft("b")]);
  await actor.queue.takeIn();
  await actor.announce("aside 1", "aside 3");
  await actor.settle("aside 1", DELIVERED, { isProof: true });
});

for (const operation of ["syncData", "syncDirectory", "append"] as const) {
  powerCutTest(`a disk that refuses one ${operation}`, 100, async (scene) => {
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
    await actor.queue.takeIn();
    await actor.announce("a");
  });
}

Deno.test("the power was cut often enough", () => {
  console.log(`${states} states after power cuts were looked at`);
  assertGreater(states, 10_000);
});
