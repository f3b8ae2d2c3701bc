/**
 * Tests outcomes in a process that watches, while another process delivers and compacts the
 * journal.
 */

import { assertEquals } from "@std/assert";
import { Courier } from "../../src/delivery/courier.ts";
import { createNotification, type NotificationInput } from "../../src/notification/notification.ts";
import { Reporter } from "../../src/notifier/outcomes.ts";
import { encodeRecord } from "../../src/queue/journal_line.ts";
import { Queue } from "../../src/queue/queue.ts";
import { denoFiles } from "../../src/runtime/files.ts";
import { type Scene, setScene, withPhone } from "../fakes/scene.ts";

/**
 * Sends a notification while another process holds `deliver.lock`. During the first wait, the other
 * process changes the queue and compacts the journal.
 */
async function notifyBeside(
  scene: Scene,
  input: NotificationInput,
  change: (queue: Queue) => Promise<void>,
  { compacts = true }: { readonly compacts?: boolean } = {},
) {
  const { runtime, stateDir } = scene;
  const other = Queue.open(stateDir, runtime);
  other.prepare();
  using holder = denoFiles.open(`${other.directory}/deliver.lock`, "append");
  holder.tryLock();
  let isChanged = false;
  const sleep: typeof runtime.sleep = async (ms, signal) => {
    if (!isChanged) {
      isChanged = true;
      other.refresh();
      await change(other);
      if (!compacts) return await runtime.sleep(ms, signal);
      const padding = encodeRecord({ t: "drop", id: "unknown".padEnd(100_000), time: 0 });
      for (let at = 0; at < 4; at++) Deno.writeFileSync(`${other.directory}/queue.jsonl`, padding, { append: true });
      other.refresh();
      assertEquals(await other.compact(), true);
    }
    await runtime.sleep(ms, signal);
  };
  await using notifier = await scene.open({
    runtime: { ...runtime, sleep },
    ...withPhone(scene, { fallback: { channels: "phone", after: "5m" } }),
  });
  return await notifier.notify(input, { waitMs: 2000 });
}

Deno.test("NotifierCore.notify() reports no fallback that another process cancelled before a compaction", async () => {
  await using scene = await setScene();
  const outcomes = await notifyBeside(scene, { subject: "Up" }, async (queue) => {
    const [entry] = queue.state.liveEntries();
    await queue.recordResult(entry, { state: "delivered", receipt: "$1", via: "put" }, { isProof: false });
  });
  assertEquals(outcomes.map(({ channel, state }) => [channel, state]), [["matrix", "delivered"]]);
});

Deno.test("NotifierCore.notify() reports a notification with a key as superseded, not as dropped, if it is gone after a compaction", async () => {
  await using scene = await setScene();
  const outcomes = await notifyBeside(scene, { subject: "Disk", key: "disk" }, async (queue) => {
    const [{ channel, destination, notification, expires }] = queue.state.liveEntries();
    const newer = { channel, destination, notification, expires, key: "disk", replaces: true } as const;
    await queue.enqueue([newer], () => false);
  });
  assertEquals(outcomes.map(({ channel, state }) => [channel, state]), [["matrix", "superseded"], ["phone", "queued"]]);
});

for (const compacts of [false, true]) {
  const after = compacts ? " before a compaction" : "";
  Deno.test(`NotifierCore.notify() reports a notification that another process dropped${after} as dropped`, async () => {
    await using scene = await setScene();
    const drop = (queue: Queue) => queue.drop(queue.state.liveEntries());
    const outcomes = await notifyBeside(scene, { subject: "Up" }, drop, { compacts });
    assertEquals(outcomes.map(({ channel, state }) => [channel, state]), [["matrix", "dropped"]]);
  });
}

Deno.test("NotifierCore.notify() reports a dead letter that another process dropped as dropped, and one that is kept as dead", async () => {
  for (const isDropped of [false, true]) {
    await using scene = await setScene();
    const outcomes = await notifyBeside(scene, { subject: "Up" }, async (queue) => {
      const [entry] = queue.state.liveEntries();
      await queue.recordResult(entry, { state: "dead", reason: "M_TOO_LARGE" }, { isProof: false });
      if (isDropped) await queue.drop([entry]);
    }, { compacts: false });
    assertEquals(outcomes[0].state, isDropped ? "dropped" : "dead");
  }
});

Deno.test("Reporter.outcomes() reports a held notification as queued if another process has decided its destinations", async () => {
  await using scene = await setScene();
  const queue = Queue.open(scene.stateDir, scene.runtime);
  queue.prepare();
  const notification = createNotification({ subject: "Held" }, scene.runtime.now());
  const request = { channel: "matrix", destination: "?", notification, expires: scene.runtime.now() + 60_000 };
  const { entries } = await queue.enqueue([request], () => false);
  await using other = await scene.open();
  await other.flush({ waitMs: 0 });
  queue.refresh();
  const reporter = new Reporter(queue, new Courier(queue, new Map(), scene.runtime), () => undefined);
  assertEquals(reporter.outcomes(entries).map(({ state }) => state), ["queued"]);
  assertEquals(scene.subjects(), ["Held"]);
});
