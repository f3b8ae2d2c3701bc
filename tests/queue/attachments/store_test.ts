import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { InvalidNotificationError, StorageError } from "../../../src/base/errors.ts";
import { AttachmentStore } from "../../../src/queue/attachments/store.ts";
import type { Files, OpenFile, OpenMode } from "../../../src/runtime/files.ts";
import { Queue } from "../../../src/queue/queue.ts";
import { createRequest } from "../../faults/crash_actor.ts";
import { CrashDisk } from "../../faults/crash_disk.ts";
import { CrashFiles } from "../../faults/crash_files.ts";
import { crashRuntime, STATE_DIR } from "../../faults/crash_runtime.ts";

const BYTES = new TextEncoder().encode("Ordner;Größe\n");

/** A process that uses the queue on this disk. */
function open(disk: CrashDisk): { readonly queue: Queue; readonly files: CrashFiles } {
  const files = new CrashFiles(disk);
  const queue = Queue.open(STATE_DIR, crashRuntime(), { files });
  queue.prepare();
  return { queue, files };
}

/** The names in `attachments/`. */
function names(files: Files): string[] {
  return files.list(new AttachmentStore(STATE_DIR, files).directory);
}

Deno.test("Queue.sweepAttachments() keeps a file while its sender has not enqueued yet, and removes it if the sender was killed", async () => {
  const disk = new CrashDisk();
  const [sender, sweeper] = [open(disk), open(disk)];
  const staged = await sender.queue.stageFiles();
  const { name, size } = staged.write([BYTES], "a.csv");
  staged.confirm();
  await sweeper.queue.sweepAttachments();
  assertEquals([names(sweeper.files), size], [[name], BYTES.length]);
  sender.files.kill();
  await sweeper.queue.sweepAttachments();
  assertEquals(names(sweeper.files), []);
});

Deno.test("Queue.sweepAttachments() keeps the files of entries and dead letters, and removes the rest", async () => {
  const { queue, files } = open(new CrashDisk());
  const kept: string[] = [];
  for (const subject of ["waits", "dead", "delivered"]) {
    using staged = await queue.stageFiles();
    const { name } = staged.write([BYTES], subject);
    staged.confirm();
    const { entries: [entry] } = await queue.enqueue([{ ...createRequest(subject), files: [name] }], () => false);
    staged.keep([name]);
    if (subject === "dead") await queue.recordResult(entry, { state: "dead", reason: "413" }, { isProof: false });
    if (subject !== "delivered") kept.push(name);
    else await queue.recordResult(entry, { state: "delivered", receipt: "$1", via: "put" }, { isProof: false });
  }
  assertEquals(names(files).length, 3);
  await queue.sweepAttachments();
  assertEquals(names(files), kept);
});

Deno.test("Queue.sweepAttachments() lists no files if none was ever stored", async () => {
  const listed: string[] = [];
  class Listed extends CrashFiles {
    override list(path: string): string[] {
      listed.push(path);
      return super.list(path);
    }
  }
  const queue = Queue.open(STATE_DIR, crashRuntime(), { files: new Listed(new CrashDisk()) });
  queue.prepare();
  await queue.sweepAttachments();
  assertEquals(listed, []);
});

Deno.test("StagedFiles.write() creates another file if a sweep removed the first before it was locked", async () => {
  class Swept extends CrashFiles {
    made = 0;
    override open(path: string, mode: OpenMode): OpenFile {
      const file = super.open(path, mode);
      if (path.includes("/attachments/") && mode === "create" && this.made++ === 0) this.remove(path);
      return file;
    }
  }
  const files = new Swept();
  const queue = Queue.open(STATE_DIR, crashRuntime(), { files });
  using staged = await queue.stageFiles();
  const { name } = staged.write([BYTES], "a.csv");
  assertEquals([files.made, names(files)], [2, [name]]);
  assertEquals(new AttachmentStore(STATE_DIR, files).read(name, BYTES.length), BYTES);
});

Deno.test("AttachmentStore closes a file that it cannot lock, when it stores and when it sweeps", async () => {
  class Unlockable extends CrashFiles {
    override open(path: string, mode: OpenMode): OpenFile {
      const file = super.open(path, mode);
      if (!path.includes("/attachments/")) return file;
      const tryLock = () => {
        throw new Error("flock failed");
      };
      return { ...file, tryLock };
    }
  }
  const disk = new CrashDisk();
  const queue = Queue.open(STATE_DIR, crashRuntime(), { files: new Unlockable(disk) });
  using staged = await queue.stageFiles();
  assertThrows(() => staged.write([BYTES], "a.csv"), StorageError, "flock failed");
  assertEquals([names(new CrashFiles(disk)).length, disk.open.size], [1, 0]);
  await assertRejects(() => queue.sweepAttachments(), StorageError, "flock failed");
  assertEquals(disk.open.size, 0);
});

Deno.test("AttachmentStore.read() reads only stored files", () => {
  const files = new CrashFiles();
  const store = new AttachmentStore(STATE_DIR, files);
  for (const name of ["../queue/queue.jsonl", "", "..", "a/b"]) {
    assertThrows(() => store.read(name, 1), InvalidNotificationError, "it is not the name of a stored file");
  }
});
