import { assertEquals } from "@std/assert";
import { denoFiles } from "../../src/runtime/files.ts";
import { setScene } from "../fakes/scene.ts";

Deno.test("Notifier.status() counts what waits in the journal and beside it, with its ages", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  assertEquals(notifier.hasQueue(), false);
  await scene.homeserver.stop();
  await notifier.notify({ subject: "old" });
  assertEquals(notifier.hasQueue(), true);
  scene.runtime.time += 3_600_000;
  {
    using holder = denoFiles.open(`${scene.stateDir}/queue/lock`, "append");
    holder.tryLock();
    await notifier.notify({ subject: "aside" });
  }
  const { queued, deferred, spooled, ages, oldestSeconds } = notifier.status();
  assertEquals([queued, deferred, spooled], [1, 1, 1]);
  assertEquals([ages.under1m, ages.under6h, Object.values(ages).reduce((sum, count) => sum + count)], [1, 1, 2]);
  assertEquals(oldestSeconds >= 3600, true);
});

Deno.test("Notifier.status() tells torn lines from damaged ones", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await notifier.notify({ subject: "1" });
  const append = (text: string) =>
    Deno.writeTextFileSync(`${scene.stateDir}/queue/queue.jsonl`, text, { append: true });
  const counts = () => {
    const { torn, quarantined } = notifier.status();
    return { torn, quarantined };
  };
  append('garbage\n{"v":1,"t":"enq","id":"5e');
  assertEquals(counts(), { torn: 1, quarantined: 1 });
  await notifier.notify({ subject: "2" });
  assertEquals(counts(), { torn: 1, quarantined: 1 }, "sealed and set aside, it counts as before");
  Deno.writeTextFileSync(`${scene.stateDir}/queue/quarantine/.queue.jsonl.1@2.3`, "unfinished copy");
  append('{"v":1,"t":"enq"');
  assertEquals(counts(), { torn: 2, quarantined: 1 });
});
