import { assert, assertEquals, assertRejects } from "@std/assert";
import { StorageError } from "../../src/base/errors.ts";
import { denoFiles, type Files } from "../../src/runtime/files.ts";
import { notificationOf } from "../../src/queue/entry.ts";
import { Queue } from "../../src/queue/queue.ts";
import type { EnqueueRequest } from "../../src/queue/change_records.ts";
import { fakeRuntime, TEST_TIME } from "../fakes/runtime.ts";
import { setScene } from "../fakes/scene.ts";
import { fieldsOf } from "../fakes/outcomes.ts";

const request = (subject: string) => ({
  channel: "matrix",
  destination: "!a",
  notification: { subject },
  expires: TEST_TIME * 2,
});
const subjects = (queue: Queue) =>
  queue.state.liveEntries().map((entry) => (notificationOf(entry) as { subject: string }).subject);

Deno.test("Queue.enqueue() writes to the spool if the holder of the lock hangs, and Queue.importSpool() moves it to the journal", async () => {
  const stateDir = Deno.makeTempDirSync();
  using runtime = fakeRuntime({ realIds: true });
  const queue = Queue.open(stateDir, runtime);
  queue.prepare();
  try {
    await queue.enqueue([request("1")], () => false);
    {
      using holder = denoFiles.open(`${queue.directory}/lock`, "append");
      assert(holder.tryLock());
      for (const subject of ["2", "3"]) {
        runtime.time += 1000;
        const { entries, problem } = await queue.enqueue([request(subject)], () => true);
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

Deno.test("Queue.figures() counts each spooled entry, and opens no file", async () => {
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
    await queue.enqueue([request("1"), request("2")], () => false);
    runtime.time += 1000;
    times.push(runtime.time);
    await queue.enqueue([request("3")], () => false);
    Deno.renameSync(...oldName(`${queue.directory}/spool`));
    opened.length = 0;
    const { spooled, spooledTimes } = queue.figures();
    assertEquals([spooled, spooledTimes], [3, [times[0], times[0], times[1]]]);
    assertEquals(opened, []);
  } finally {
    Deno.removeSync(stateDir, { recursive: true });
  }
});

/** Removes the number of entries from the name of the later file. */
function oldName(directory: string): [from: string, to: string] {
  const [name] = [...Deno.readDirSync(directory)].map((file) => file.name).sort().reverse();
  return [`${directory}/${name}`, `${directory}/${name.replace(".1.jsonl", ".jsonl")}`];
}

Deno.test("Queue.importSpool() imports nothing twice if an earlier import died before it removed the files", async () => {
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
      await queue.enqueue([request("1")], () => false);
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

Deno.test("NotifierCore.notify() resolves although the lock hangs, and a flush delivers after its release", async () => {
  await using scene = await setScene();
  await using notifier = await scene.open();
  await notifier.notify({ subject: "1" });
  {
    using holder = denoFiles.open(`${scene.stateDir}/queue/lock`, "append");
    assert(holder.tryLock());
    const [outcome] = await notifier.notify({ subject: "2" });
    assertEquals([outcome.state, fieldsOf(outcome).reason?.slice(0, 21)], ["queued", "The notification is o"]);
    assertEquals(notifier.status().queued, 1);
  }
  assertEquals((await notifier.flush()).map(({ state }) => state), ["delivered"]);
  assertEquals([scene.subjects(), notifier.status().queued], [["1", "2"], 0]);
});

Deno.test("Queue.importSpool() puts a spooled entry before entries that were enqueued later", async () => {
  await using scene = await sceneWithSpool(["1"]);
  const { queue, runtime } = scene;
  runtime.time += 1000;
  await queue.enqueue([request("2")], () => false);
  assertEquals(subjects(queue), ["2"]);
  await queue.importSpool();
  assertEquals(subjects(queue), ["1", "2"]);
  assertEquals(subjects(Queue.open(scene.stateDir, runtime)), ["1", "2"]);
});

Deno.test("Queue.importSpool() does not replace a later entry with the same key", async () => {
  await using scene = await sceneWithSpool([]);
  const { queue, runtime, stateDir } = scene;
  await spool(scene, [{ ...request("old"), key: "disk", replaces: true }]);
  runtime.time += 1000;
  await queue.enqueue([{ ...request("new"), key: "disk", replaces: true }], () => false);
  await queue.importSpool();
  assertEquals(subjects(Queue.open(stateDir, runtime)), ["old", "new"]);
});

Deno.test("Queue.enqueue() removes a spool file that the disk did not confirm", async () => {
  await using scene = await sceneWithSpool([]);
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
  await assertRejects(() => other.enqueue([request("1")], () => false), StorageError, "/spool: input/output error");
  assertEquals(denoFiles.list(`${queue.directory}/spool`), []);
});

Deno.test("Queue.importSpool() looks once for a spool that does not exist, and syncs an empty one", async () => {
  await using scene = await sceneWithSpool([]);
  const calls: string[] = [];
  const files: Files = {
    ...denoFiles,
    exists(path) {
      calls.push("exists");
      return denoFiles.exists(path);
    },
    syncDirectory(path) {
      calls.push("sync");
      denoFiles.syncDirectory(path);
    },
  };
  const queue = Queue.open(scene.stateDir, scene.runtime, { files });
  await queue.importSpool();
  Deno.mkdirSync(`${queue.directory}/spool`, { mode: 0o700 });
  await queue.importSpool();
  await queue.importSpool();
  assertEquals(calls, ["exists", "exists", "sync", "exists"]);
});

Deno.test("Queue.importSpool() moves a damaged spool file to quarantine, and imports its whole lines", async () => {
  await using scene = await sceneWithSpool(["1", "2"]);
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

Deno.test("Queue.importSpool() fails while a spool file cannot be read, and skips it after ten minutes", async () => {
  await using scene = await sceneWithSpool(["1"]);
  const { stateDir, runtime, queue } = scene;
  const unreadable: Files = {
    ...denoFiles,
    open(path, mode) {
      if (path.includes("/spool/") && mode === "read") throw new Error("Input/output error (os error 5)");
      return denoFiles.open(path, mode);
    },
  };
  await queue.enqueue([request("2")], () => false);
  const next = Queue.open(stateDir, runtime, { files: unreadable });
  runtime.time = TEST_TIME + 599_999;
  await assertRejects(() => next.importSpool(), StorageError, "/spool: input/output error");
  assertEquals(next.figures().spooled, 1);
  runtime.time += 1;
  await next.importSpool();
  assertEquals([subjects(next), next.figures().spooled, next.figures().quarantined], [["2"], 0, 1]);
});

interface SpoolScene extends AsyncDisposable {
  readonly stateDir: string;
  readonly runtime: ReturnType<typeof fakeRuntime>;
  readonly queue: Queue;
}

/** A queue with one spool file. */
async function sceneWithSpool(waiting: readonly string[]): Promise<SpoolScene> {
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
  if (waiting.length > 0) await spool(scene, waiting.map(request));
  return scene;
}

async function spool({ queue }: SpoolScene, requests: readonly EnqueueRequest[]): Promise<void> {
  using holder = denoFiles.open(`${queue.directory}/lock`, "append");
  assert(holder.tryLock());
  await queue.enqueue(requests, () => false);
}

Deno.test("Queue.importSpool() deletes the leftovers of processes that were killed during a write", async () => {
  const stateDir = Deno.makeTempDirSync();
  using runtime = fakeRuntime({ realIds: true });
  const queue = Queue.open(stateDir, runtime);
  queue.prepare();
  const directory = `${queue.directory}/spool`;
  Deno.mkdirSync(directory);
  const write = (time: number) =>
    Deno.writeTextFileSync(`${directory}/${String(time).padStart(15, "0")}-${crypto.randomUUID()}.1.jsonl.tmp`, "{");
  write(TEST_TIME - 601_000);
  write(TEST_TIME - 1000);
  try {
    await queue.importSpool();
    assertEquals(
      Array.from(Deno.readDirSync(directory), ({ name }) => name.startsWith(`00${TEST_TIME - 1000}-`)),
      [true],
    );
  } finally {
    Deno.removeSync(stateDir, { recursive: true });
  }
});
