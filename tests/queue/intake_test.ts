import { assert, assertEquals, assertRejects } from "@std/assert";
import { QueueError } from "../../src/errors.ts";
import { denoFiles, type Files } from "../../src/queue/files.ts";
import { Queue } from "../../src/queue/queue.ts";
import { fakeRuntime, TEST_TIME } from "../fakes/runtime.ts";
import { setScene } from "../fakes/scene.ts";

const draft = (subject: string) => ({
  channel: "matrix",
  destination: "!a",
  notification: { subject },
  expires: TEST_TIME * 2,
});
const subjects = (queue: Queue) => queue.live().map((entry) => (entry.notification as { subject: string }).subject);

Deno.test("Queue.enqueue() goes in by the side door when the holder of the lock hangs, and Queue.takeIn() brings it to the others", async () => {
  const stateDir = Deno.makeTempDirSync();
  using runtime = fakeRuntime({ realIds: true });
  const queue = Queue.open(stateDir, runtime);
  queue.prepare();
  try {
    await queue.enqueue([draft("1")], () => false);
    {
      using holder = denoFiles.open(`${queue.directory}/lock`, "append");
      assert(holder.tryLock());
      for (const subject of ["2", "3"]) {
        runtime.time += 1000;
        const { entries, problem } = await queue.enqueue([draft(subject)], () => true);
        assertEquals([entries.length, problem?.trouble], [1, "busy"]);
      }
      await assertRejects(() => queue.takeIn(), QueueError);
      assertEquals([queue.figures().intake, subjects(queue)], [2, ["1"]]);
    }
    const next = Queue.open(stateDir, runtime);
    await next.takeIn();
    assertEquals([subjects(next), next.figures().intake], [["1", "2", "3"], 0]);
    await next.takeIn();
    queue.refresh();
    assertEquals(subjects(queue), ["1", "2", "3"]);
  } finally {
    Deno.removeSync(stateDir, { recursive: true });
  }
});

Deno.test("Queue.figures() counts what waits at the side door, each envelope of it, and reads none", async () => {
  const stateDir = Deno.makeTempDirSync();
  using runtime = fakeRuntime({ realIds: true });
  const opened: string[] = [];
  const files: Files = {
    ...denoFiles,
    open(path, mode) {
      opened.push(path);
      return denoFiles.open(path, mode);
    },
  };
  const queue = Queue.open(stateDir, runtime, { files });
  queue.prepare();
  try {
    using holder = denoFiles.open(`${queue.directory}/lock`, "append");
    assert(holder.tryLock());
    const times = [runtime.time];
    await queue.enqueue([draft("1"), draft("2")], () => false);
    runtime.time += 1000;
    times.push(runtime.time);
    await queue.enqueue([draft("3")], () => false);
    Deno.renameSync(...oldName(`${queue.directory}/intake`));
    opened.length = 0;
    const { intake, intakeTimes } = queue.figures();
    assertEquals([intake, intakeTimes], [3, [times[0], times[0], times[1]]]);
    assertEquals(opened, []);
  } finally {
    Deno.removeSync(stateDir, { recursive: true });
  }
});

/** The later of two files loses what its name says of how many it holds. */
function oldName(directory: string): [from: string, to: string] {
  const [name] = [...Deno.readDirSync(directory)].map((file) => file.name).sort().reverse();
  return [`${directory}/${name}`, `${directory}/${name.replace(".1.jsonl", ".jsonl")}`];
}

Deno.test("Queue.takeIn() takes nothing twice when whoever did it before died before the files were gone", async () => {
  const stateDir = Deno.makeTempDirSync();
  using runtime = fakeRuntime({ realIds: true });
  let removes = true;
  const files: Files = {
    ...denoFiles,
    remove(path) {
      if (!removes) throw new Error("Input/output error (os error 5)");
      denoFiles.remove(path);
    },
  };
  const queue = Queue.open(stateDir, runtime, { files });
  queue.prepare();
  try {
    {
      using holder = denoFiles.open(`${queue.directory}/lock`, "append");
      assert(holder.tryLock());
      await queue.enqueue([draft("1")], () => false);
    }
    removes = false;
    await assertRejects(() => queue.takeIn(), QueueError);
    assertEquals(queue.figures().intake, 1);
    removes = true;
    const next = Queue.open(stateDir, runtime, { files });
    await next.takeIn();
    assertEquals([subjects(next), next.figures().intake], [["1"], 0]);
  } finally {
    Deno.removeSync(stateDir, { recursive: true });
  }
});

Deno.test("Notifier.notify() resolves although the lock hangs, and a flush delivers when it is free", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await notifier.notify({ subject: "1" });
  {
    using holder = denoFiles.open(`${scene.stateDir}/queue/lock`, "append");
    assert(holder.tryLock());
    const [outcome] = await notifier.notify({ subject: "2" });
    assertEquals([outcome.state, outcome.reason?.slice(0, 21)], ["queued", "It is on the disk, bu"]);
    assertEquals(notifier.status().queued, 1);
  }
  assertEquals((await notifier.flush()).map(({ state }) => state), ["delivered"]);
  assertEquals([scene.subjects(), notifier.status().queued], [["1", "2"], 0]);
});
