import { assertEquals } from "@std/assert";
import { countAges } from "../../src/notifier/status.ts";
import { denoFiles } from "../../src/runtime/files.ts";
import { setScene } from "../fakes/scene.ts";

Deno.test("NotifierCore.status() counts the entries of journal and spool, with their ages", async () => {
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
    await notifier.notify({ subject: "spooled" });
  }
  const { queued, deferred, spooled, ages, oldestSeconds } = notifier.status();
  assertEquals([queued, deferred, spooled], [1, 1, 1]);
  assertEquals([ages.under1m, ages.under6h, Object.values(ages).reduce((sum, count) => sum + count)], [1, 1, 2]);
  assertEquals(oldestSeconds >= 3600, true);
});

Deno.test("NotifierCore.status() counts torn lines and damaged lines separately", async () => {
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
  assertEquals(counts(), { torn: 1, quarantined: 1 }, "sealed and quarantined, it counts as before");
  Deno.writeTextFileSync(`${scene.stateDir}/queue/quarantine/.queue.jsonl.1@2.3`, "unfinished copy");
  append('{"v":1,"t":"enq"');
  assertEquals(counts(), { torn: 2, quarantined: 1 });
});

const MINUTE = 60_000, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
const NONE = { under1m: 0, under15m: 0, under1h: 0, under6h: 0, under1d: 0, under7d: 0, older: 0 };

Deno.test("countAges() puts an age that equals a limit into the next class", () => {
  assertEquals(countAges([], 0), NONE);
  assertEquals(countAges([5, 0, 1 - MINUTE], 0), { ...NONE, under1m: 3 });
  assertEquals(countAges([MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, DAY, 7 * DAY, 14 * DAY].map((age) => -age), 0), {
    under1m: 0,
    under15m: 1,
    under1h: 1,
    under6h: 1,
    under1d: 1,
    under7d: 1,
    older: 2,
  });
});
