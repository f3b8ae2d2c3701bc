import { assert, assertEquals, assertRejects } from "@std/assert";
import { StorageError } from "../../src/base/errors.ts";
import { denoFiles, type Files } from "../../src/runtime/files.ts";
import { Queue } from "../../src/queue/queue.ts";
import type { EnqueueRequest } from "../../src/queue/enqueue.ts";
import { fakeRuntime, TEST_TIME } from "../fakes/runtime.ts";
import { setScene } from "../fakes/scene.ts";
import { fieldsOf } from "../fakes/outcomes.ts";

const draft = (subject: string) => ({
  channel: "matrix",
  destination: "!a",
  notification: { subject },
  expires: TEST_TIME * 2,
});
const subjects = (queue: Queue) =>
  queue.state.liveEntries().map((entry) => (entry.notification as { subject: string }).subject);

Deno.test("Queue.enqueue() goes in by the side door when the holder of the lock hangs, and Queue.importSpool() brings it to the others", async () => {
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
        assertEquals([entries.length, problem?.code], [1, "locked"]);
      }
      await assertRejects(() => queue.importSpool(), StorageError);
      assertEquals([queue.figures().spooled, subjects(queue)], [2, ["1"]]);
    }
    const next = Queue.open(stateDir, runtime);
    await next.importSpool();
    assertEquals([subjects(next), next.figures().spooled], [["1", "2", "3"], 0]);
    await next.importSpool();
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
    Deno.renameSync(...oldName(`${queue.directory}/spool`));
    opened.length = 0;
    const { spooled, spooledTimes } = queue.figures();
    assertEquals([spooled, spooledTimes], [3, [times[0], times[0], times[1]]]);
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

Deno.test("Queue.importSpool() takes nothing twice when whoever did it before died before the files were gone", async () => {
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
    await assertRejects(() => queue.importSpool(), StorageError);
    assertEquals(queue.figures().spooled, 1);
    removes = true;
    const next = Queue.open(stateDir, runtime, { files });
    await next.importSpool();
    assertEquals([subjects(next), next.figures().spooled], [["1"], 0]);
  } finally {
    Deno.removeSync(stateDir, { recursive: true });
  }
});

Deno.test("NotifierCore.notify() resolves although the lock hangs, and a flush delivers when it is free", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await notifier.notify({ subject: "1" });
  {
    using holder = denoFiles.open(`${scene.stateDir}/queue/lock`, "append");
    assert(holder.tryLock());
    const [outcome] = await notifier.notify({ subject: "2" });
    assertEquals([outcome.state, fieldsOf(outcome).reason?.slice(0, 21)], ["queued", "It is on disk, but ca"]);
    assertEquals(notifier.status().queued, 1);
  }
  assertEquals((await notifier.flush()).map(({ state }) => state), ["delivered"]);
  assertEquals([scene.subjects(), notifier.status().queued], [["1", "2"], 0]);
});

Deno.test("Queue.importSpool() puts what came by the side door before what came later by the front door", async () => {
  await using scene = await sceneWithIntake(["1"]);
  const { queue, runtime } = scene;
  runtime.time += 1000;
  await queue.enqueue([draft("2")], () => false);
  assertEquals(subjects(queue), ["2"]);
  await queue.importSpool();
  assertEquals(subjects(queue), ["1", "2"]);
  assertEquals(subjects(Queue.open(scene.stateDir, runtime)), ["1", "2"]);
});

Deno.test("Queue.importSpool() lets news of the same key that came later by the front door live", async () => {
  await using scene = await sceneWithIntake([]);
  const { queue, runtime, stateDir } = scene;
  await aside(scene, [{ ...draft("old"), key: "disk", replaces: true }]);
  runtime.time += 1000;
  await queue.enqueue([{ ...draft("new"), key: "disk", replaces: true }], () => false);
  await queue.importSpool();
  assertEquals(subjects(Queue.open(stateDir, runtime)), ["old", "new"]);
});

Deno.test("Queue.enqueue() takes back what the side door could not confirm", async () => {
  await using scene = await sceneWithIntake([]);
  const { stateDir, runtime, queue } = scene;
  const files: Files = {
    ...denoFiles,
    syncDirectory(path) {
      if (path.endsWith("/spool")) throw new Error("Input/output error (os error 5)");
      denoFiles.syncDirectory(path);
    },
  };
  using holder = denoFiles.open(`${queue.directory}/lock`, "append");
  assert(holder.tryLock());
  const other = Queue.open(stateDir, runtime, { files });
  await assertRejects(() => other.enqueue([draft("1")], () => false), StorageError, "/spool: input/output error");
  assertEquals(denoFiles.list(`${queue.directory}/spool`), []);
});

Deno.test("Queue.importSpool() sets a damaged file of the side door aside, and takes in what is whole in it", async () => {
  await using scene = await sceneWithIntake(["1", "2"]);
  const { queue, runtime, stateDir } = scene;
  const [name] = denoFiles.list(`${queue.directory}/spool`);
  const path = `${queue.directory}/spool/${name}`;
  Deno.writeTextFileSync(path, Deno.readTextFileSync(path).replace(`"subject":"2"`, `"subject":"3"`));
  const damage: string[] = [];
  const next = Queue.open(stateDir, runtime, { onDamage: (path) => damage.push(path) });
  await next.importSpool();
  assertEquals(damage, [`${queue.directory}/quarantine/spool.${name}`]);
  assertEquals([subjects(next), next.figures().spooled, next.figures().quarantined], [["1"], 0, 1]);
});

Deno.test("Queue.importSpool() fails while a file cannot be read, and goes around it after ten minutes", async () => {
  await using scene = await sceneWithIntake(["1"]);
  const { stateDir, runtime, queue } = scene;
  const unreadable: Files = {
    ...denoFiles,
    open(path, mode) {
      if (path.includes("/spool/") && mode === "read") throw new Error("Input/output error (os error 5)");
      return denoFiles.open(path, mode);
    },
  };
  await queue.enqueue([draft("2")], () => false);
  const next = Queue.open(stateDir, runtime, { files: unreadable });
  runtime.time = TEST_TIME + 599_999;
  await assertRejects(() => next.importSpool(), StorageError, "/spool: input/output error");
  assertEquals(next.figures().spooled, 1);
  runtime.time += 1;
  await next.importSpool();
  assertEquals([subjects(next), next.figures().spooled, next.figures().quarantined], [["2"], 0, 1]);
});

interface IntakeScene extends AsyncDisposable {
  readonly stateDir: string;
  readonly runtime: ReturnType<typeof fakeRuntime>;
  readonly queue: Queue;
}

/** A queue at whose side door something waits, all of it in one file. */
async function sceneWithIntake(waiting: readonly string[]): Promise<IntakeScene> {
  const stateDir = Deno.makeTempDirSync();
  const runtime = fakeRuntime({ realIds: true });
  const queue = Queue.open(stateDir, runtime);
  queue.prepare();
  const scene = {
    stateDir,
    runtime,
    queue,
    [Symbol.asyncDispose]() {
      runtime[Symbol.dispose]();
      return Deno.remove(stateDir, { recursive: true });
    },
  };
  if (waiting.length > 0) await aside(scene, waiting.map(draft));
  return scene;
}

async function aside({ queue }: IntakeScene, drafts: readonly EnqueueRequest[]): Promise<void> {
  using holder = denoFiles.open(`${queue.directory}/lock`, "append");
  assert(holder.tryLock());
  await queue.enqueue(drafts, () => false);
}
