/** Many processes write at the same time while a size limit is nearly reached. */

import { assert, assertEquals } from "@std/assert";
import { StorageError } from "../../src/base/errors.ts";
import { AttachmentStore } from "../../src/queue/attachments/store.ts";
import { encodeRecord } from "../../src/queue/journal_line.ts";
import { MAX_FILES_BYTES, MAX_QUEUE_BYTES, MAX_SPOOL_BYTES, URGENT_BYTES } from "../../src/queue/limits.ts";
import { Quarantine } from "../../src/queue/quarantine.ts";
import { Queue } from "../../src/queue/queue.ts";
import { Reserve } from "../../src/queue/reserve.ts";
import { Spool } from "../../src/queue/spool.ts";
import { denoFiles, type Files, occupiedBytes } from "../../src/runtime/files.ts";
import { fakeRuntime, TEST_TIME } from "../fakes/runtime.ts";

const SENDERS = 64;
const BLOCK = 4096;

class Directory implements Disposable {
  readonly path = Deno.makeTempDirSync();
  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** Creates a file of this size without content, and its directory. */
function fill(directory: string, name: string, bytes: number): void {
  Deno.mkdirSync(directory, { recursive: true });
  using file = Deno.openSync(`${directory}/${name}`, { write: true, create: true });
  file.truncateSync(bytes);
}

function occupied(directory: string): number {
  return occupiedBytes(denoFiles, denoFiles.list(directory).map((name) => `${directory}/${name}`));
}

/** Runs an operation. Returns false if it fails because a limit is reached. */
function succeeds(operation: () => void): boolean {
  try {
    operation();
    return true;
  } catch (error) {
    assert(error instanceof Error && error.message.includes("has reached its limit of"), String(error));
    return false;
  }
}

Deno.test("StagedFiles.write() does not exceed the limit if 64 processes write at the same time", () => {
  using state = new Directory();
  const store = new AttachmentStore(state.path);
  fill(store.directory, crypto.randomUUID(), MAX_FILES_BYTES - 20 * BLOCK);
  const senders = Array.from({ length: SENDERS }, () => store.stage(() => crypto.randomUUID()));
  let started = 0, stored = 0;
  // Each process writes its second block after the next process has started.
  const start = () => {
    const staged = senders[started++];
    if (staged === undefined) return;
    const chunks = function* () {
      yield new Uint8Array(BLOCK);
      start();
      yield new Uint8Array(BLOCK);
    };
    if (succeeds(() => staged.write(chunks(), "log"))) stored++;
  };
  start();
  for (const staged of senders.slice(started)) {
    if (succeeds(() => staged.write([new Uint8Array(BLOCK)], "log"))) stored++;
  }
  assertEquals([stored > 0, occupied(store.directory) <= MAX_FILES_BYTES], [true, true]);
  for (const staged of senders) staged[Symbol.dispose]();
});

Deno.test("StagedFiles.write() stops at the chunk that would exceed the limit, and counts the stored files at most twice", () => {
  using state = new Directory();
  let asked = 0;
  const files: Files = {
    ...denoFiles,
    size(path) {
      asked++;
      return denoFiles.size(path);
    },
  };
  const store = new AttachmentStore(state.path, files);
  fill(store.directory, crypto.randomUUID(), MAX_FILES_BYTES - 20 * BLOCK);
  using staged = store.stage(() => crypto.randomUUID());
  let chunks = 0;
  const write = (count: number) => {
    [asked, chunks] = [0, 0];
    const read = function* () {
      for (; chunks < count; chunks++) yield new Uint8Array(BLOCK);
    };
    return succeeds(() => staged.write(read(), "log"));
  };
  assertEquals([write(100), chunks, asked], [false, 20, 2]);
  assertEquals([write(20), chunks, asked], [true, 20, 4]);
  assertEquals([write(1), chunks, asked], [false, 1, 3]);
  assertEquals(occupied(store.directory), MAX_FILES_BYTES);
});

Deno.test("Spool.put() does not exceed the limit if 64 processes write at the same time, and has more room for urgent entries", () => {
  using queue = new Directory();
  const directory = `${queue.path}/spool`;
  fill(directory, "000000000000001-filler.jsonl", MAX_SPOOL_BYTES - 20 * BLOCK);
  let started = 0, stored = 0;
  const next = (operation: () => void) => {
    start();
    operation();
  };
  // Each process is interrupted by the next one, before it writes and again before it renames.
  const files: Files = {
    ...denoFiles,
    open(path, mode) {
      if (mode === "create") start();
      return denoFiles.open(path, mode);
    },
    rename: (from, to) => next(() => denoFiles.rename(from, to)),
  };
  const spool = new Spool(queue.path, {
    files,
    reserve: new Reserve(queue.path, files, () => {}),
    quarantine: new Quarantine(queue.path, { files, runtime: { now: () => TEST_TIME } }),
  });
  const put = (urgentBytes?: number) => succeeds(() => spool.put([record(crypto.randomUUID())], urgentBytes));
  const start = () => {
    if (started++ < SENDERS && put()) stored++;
  };
  while (started < SENDERS) start();
  assertEquals([stored > 0, occupied(directory) <= MAX_SPOOL_BYTES], [true, true]);
  while (put()) continue;
  assertEquals(occupied(directory), MAX_SPOOL_BYTES);
  assertEquals([put(URGENT_BYTES), put()], [true, false]);
  assertEquals(denoFiles.list(directory).filter((name) => name.endsWith(".tmp")), []);
});

Deno.test("Spool.put() counts a file that another process renames during the check", () => {
  const other = "000000000000002-other.1.jsonl";
  // The listing has the old name, or the listing misses the file, like readdir(3) may do.
  for (const missed of [false, true]) {
    using queue = new Directory();
    const directory = `${queue.path}/spool`;
    fill(directory, "000000000000001-filler.jsonl", MAX_SPOOL_BYTES - 20 * BLOCK);
    fill(directory, `${other}.tmp`, 20 * BLOCK);
    let lists = 0;
    const files: Files = {
      ...denoFiles,
      list(path) {
        const names = denoFiles.list(path);
        if (path !== directory || lists++ > 0) return names;
        denoFiles.rename(`${directory}/${other}.tmp`, `${directory}/${other}`);
        return missed ? names.filter((name) => !name.startsWith(other)) : names;
      },
    };
    const spool = new Spool(queue.path, {
      files,
      reserve: new Reserve(queue.path, files, () => {}),
      quarantine: new Quarantine(queue.path, { files, runtime: { now: () => TEST_TIME } }),
    });
    assertEquals(succeeds(() => spool.put([record("1")])), false);
    assertEquals([lists > 0, occupied(directory)], [true, MAX_SPOOL_BYTES]);
  }
});

function record(id: string) {
  const notification = { message: "x".repeat(1000) };
  return { t: "enq", id, time: TEST_TIME, channel: "matrix", destination: "!a", notification, expires: 1 } as const;
}

Deno.test("Queue.enqueue() does not exceed the limit of the journal if 4 processes with 16 callers each enqueue at the same time", async () => {
  using state = new Directory();
  using runtime = fakeRuntime({ realIds: true });
  const first = Queue.open(state.path, runtime);
  first.prepare();
  const path = `${first.directory}/queue.jsonl`, room = 20_000;
  const line = encodeRecord({ t: "drop", id: "x".repeat(100_000), time: 0 });
  const count = Math.floor((MAX_QUEUE_BYTES - room) / line.length);
  for (let at = 0; at < count; at++) Deno.writeFileSync(path, line, { append: true });
  const rest = MAX_QUEUE_BYTES - room - count * line.length;
  Deno.writeFileSync(path, encodeRecord({ t: "drop", id: "x".repeat(rest), time: 0 }), { append: true });
  const queues = Array.from({ length: 4 }, () => Queue.open(state.path, runtime));
  const { t: _, id: __, time: ___, ...request } = record("");
  const callers = queues.flatMap((queue) => Array.from({ length: SENDERS / 4 }, () => queue));
  const results = await Promise.allSettled(callers.map((queue) => queue.enqueue([request], () => true)));
  const refused = results.flatMap((result) => result.status === "rejected" ? [result.reason] : []);
  assert(refused.length > SENDERS / 2 && refused.length < SENDERS, `${refused.length} refused`);
  assert(refused.every((error) => error instanceof StorageError && error.code === "queue-full"));
  assert(Deno.statSync(path).size <= MAX_QUEUE_BYTES);
});
