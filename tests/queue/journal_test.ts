import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { StorageError } from "../../src/base/errors.ts";
import { denoFiles, type Files, type OpenFile } from "../../src/runtime/files.ts";
import { type Durability, Journal } from "../../src/queue/journal.ts";
import { type Entry, notificationOf } from "../../src/queue/entry.ts";
import type { AttemptResult } from "../../src/queue/change_records.ts";
import type { FlushReach, JournalRecord } from "../../src/queue/record.ts";
import { encodeRecord, MAX_LINE_BYTES } from "../../src/queue/journal_line.ts";
import { Queue } from "../../src/queue/queue.ts";
import { Quarantine } from "../../src/queue/quarantine.ts";
import { Reserve } from "../../src/queue/reserve.ts";
import { fakeRuntime } from "../fakes/runtime.ts";
import { type Dice, seededDice } from "../faults/crash_dice.ts";

const drop = (id: string): JournalRecord => ({ t: "drop", id, time: 1 });
const enq = (id: string): JournalRecord => ({
  ...{ t: "enq", id, time: 1, channel: "a", destination: "x", notification: { subject: "Up" }, expires: 9 },
});

/** Opens the journal again, like another process. The functions are called as a listener. */
type Open = (record?: (record: JournalRecord) => unknown, restart?: () => void) => Journal;

/** Runs a test with a journal in a directory of its own. `faulty` may change what its files do. */
async function journalTest(
  body: (t: { journal: Journal; open: Open; path: string; ids(): string[] }) => Promise<void>,
  faulty = denoFiles,
) {
  const directory = Deno.makeTempDirSync();
  using runtime = fakeRuntime();
  const open: Open = (record = () => {}, restart = () => {}) =>
    new Journal(directory, {
      listener: { restart, record, end() {} },
      files: faulty,
      reserve: new Reserve(directory, faulty, () => {}),
      quarantine: new Quarantine(directory, { files: faulty, runtime }),
    }, runtime);
  const ids = () => {
    const found: string[] = [];
    open((record) => "id" in record && found.push(record.id)).read();
    return found;
  };
  try {
    await body({ journal: open(), open, path: `${directory}/queue.jsonl`, ids });
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

/** The real file system, with changed open files. */
function filesWith(change: (file: OpenFile, path: string) => Partial<OpenFile>, files: Partial<Files> = {}): Files {
  return {
    ...denoFiles,
    open(path, mode) {
      const file = denoFiles.open(path, mode);
      return { ...file, [Symbol.dispose]: () => file[Symbol.dispose](), ...change(file, path) };
    },
    ...files,
  };
}

function quarantined(path: string): string[] {
  return denoFiles.list(path.replace("queue.jsonl", "quarantine")).map((name) =>
    Deno.readTextFileSync(path.replace("queue.jsonl", `quarantine/${name}`))
  );
}

Deno.test("Journal.append() starts a new journal with a header, readable by its owner only", async () => {
  await journalTest(async ({ journal, path }) => {
    await journal.append([drop("a")], "data");
    const [header, record, end] = Deno.readTextFileSync(path).split("\n");
    assertEquals([JSON.parse(header).t, JSON.parse(record).id, end], ["hdr", "a", ""]);
    assertEquals(Deno.statSync(path).mode! & 0o777, 0o600);
  });
});

Deno.test("Journal.read() reads each record once, also those of other processes", async () => {
  await journalTest(async ({ open }) => {
    const seen: string[] = [];
    const journal = open((record) => "id" in record && seen.push(record.id));
    await journal.append([drop("a")], "none");
    assertEquals(seen, ["a"], "an append reads what it wrote");
    await open().append([drop("b"), drop("c")], "none");
    journal.read();
    journal.read();
    assertEquals(seen, ["a", "b", "c"]);
  });
});

Deno.test("Journal.append() does not read back what it appended, unless another process wrote before", async () => {
  let bytes = 0;
  const files = filesWith((file) => ({
    read(buffer, offset) {
      const count = file.read(buffer, offset);
      bytes += count;
      return count;
    },
  }));
  await journalTest(async ({ open }) => {
    const seen: string[] = [];
    const journal = open((record) => "id" in record && seen.push(record.id));
    const cost = async (id: string) => {
      bytes = 0;
      await journal.append([drop(id), drop(`${id}2`)], "none");
      return bytes;
    };
    await cost("a");
    const line = encodeRecord(drop("b")).length;
    assert(await cost("b") < line, "only the ends of the lines before");
    bytes = 0;
    await journal.append([enq("e")], "none");
    assert(bytes < line, "only the end of the line before");
    await open().append([drop("c")], "none");
    assert(await cost("d") > 2 * line);
    assertEquals(seen, ["a", "a2", "b", "b2", "e", "c", "d", "d2"]);
  }, files);
});

Deno.test("Queue.state is the same in processes that append in turns, and in a process that reads their journal", async () => {
  const stateDir = Deno.makeTempDirSync();
  const dice = seededDice(14);
  using runtime = fakeRuntime({ realIds: true });
  const open = () => Queue.open(stateDir, runtime);
  const stateOf = (queue: Queue) => {
    queue.refresh();
    const { possibleDuplicates, lastDelivery } = queue.figures();
    const entries = queue.state.entries().map(withNotification);
    return { ...{ possibleDuplicates, lastDelivery, entries }, channel: queue.state.channelState("a") };
  };
  try {
    const queues = [open(), open()];
    queues[0].prepare();
    for (let round = 0; round < 300; round++) {
      const queue = queues[dice(2)];
      queue.refresh();
      await change(queue, dice, runtime.time += 1000);
      const [one, other, fresh] = [...queues, open()].map(stateOf);
      assertEquals([one, other], [fresh, fresh], `round ${round}`);
    }
  } finally {
    Deno.removeSync(stateDir, { recursive: true });
  }
});

function withNotification(entry: Entry): unknown {
  const { members } = entry;
  return { ...entry, notification: notificationOf(entry), members: members?.map(withNotification) };
}

/** Makes one random change. */
async function change(queue: Queue, dice: Dice, now: number): Promise<void> {
  const live = queue.state.liveEntries();
  const some = live.filter(() => dice(3) === 0);
  if (some.length === 0 || dice(4) === 0) {
    const requests = Array.from({ length: 1 + dice(3) }, () => ({
      ...{ channel: ["a", "b"][dice(2)], destination: ["x", "y"][dice(2)], notification: { subject: `${now}` } },
      ...{ expires: now * 2, ...(dice(3) === 0 ? { key: "k", title: "t", replaces: true as const } : {}) },
    }));
    return void await queue.enqueue(requests, () => dice(2) === 0);
  }
  const [entry] = some;
  switch (dice(8)) {
    case 0:
      return void await queue.announce(some);
    case 1:
      return await queue.withdraw(some);
    case 2:
      return await queue.abandon(some, now + 5);
    case 3:
      return await queue.requestFlush(["backoff", "all", "outage"][dice(3)] as FlushReach);
    case 4:
      return await queue.batch([{
        entries: some.filter(({ channel, destination }) =>
          channel === entry.channel && destination === entry.destination
        ),
      }]);
    case 5:
      return await queue.recordResult(entry, { state: "dead", reason: "M_TOO_LARGE", status: 413 }, { isProof: false });
    case 6:
      return await queue.recordResult(entry, {
        ...{ state: "failed", class: dice(2) === 0 ? "not-sent" : "in-doubt", reason: "x", next: now + 10 },
      } as AttemptResult, { isProof: false });
    default: {
      const result = { state: "delivered", receipt: "$x", via: "put" } as const;
      return await queue.recordDeliveries(some.map((entry) => ({ entry, result })));
    }
  }
}

Deno.test("Journal.append() seals a torn line, which goes to quarantine; no other line is lost", async () => {
  await journalTest(async ({ journal, path, ids }) => {
    await journal.append([drop("a")], "data");
    Deno.writeFileSync(path, encodeRecord(drop("torn")).subarray(0, 20), { append: true });
    assertEquals([ids(), quarantined(path)], [["a"], []], "another process may still be writing it");
    journal.read();
    assertEquals(journal.tornBytes, 20);
    await journal.append([drop("b")], "data");
    assertEquals(ids(), ["a", "b"]);
    journal.read();
    assertEquals([quarantined(path), journal.tornBytes], [['{"v":1,"t":"drop","i'], 0]);
  });
});

Deno.test("Journal.append() without records completes a line that lacks only its line feed", async () => {
  await journalTest(async ({ journal, path, ids }) => {
    await journal.append([drop("a")], "data");
    Deno.writeFileSync(path, encodeRecord(drop("b")).subarray(0, -1), { append: true });
    assertEquals(ids(), ["a"]);
    journal.read();
    assertEquals(journal.tornBytes, 0, "it only lacks its line feed");
    await journal.append([], "none");
    assertEquals([ids(), quarantined(path)], [["a", "b"], []]);
  });
});

Deno.test("Journal.read() skips a line with a flipped bit, and copies it to quarantine once", async () => {
  await journalTest(async ({ journal, path, ids }) => {
    await journal.append([drop("a"), drop("b"), drop("c")], "data");
    const bytes = Deno.readFileSync(path);
    const at = new TextDecoder().decode(bytes).indexOf('"id":"b"') + 6;
    bytes[at] ^= 1;
    Deno.writeFileSync(path, bytes);
    assertEquals([ids(), ids()], [["a", "c"], ["a", "c"]]);
    assertEquals(quarantined(path).length, 1);
    assert(quarantined(path)[0].includes('"id":"c"'), "b with its lowest bit flipped is c");
  });
});

Deno.test("Journal.read() survives zeros, a BOM, empty lines, CRLF and a line of megabytes", async () => {
  await journalTest(async ({ journal, path, ids }) => {
    await journal.append([drop("a")], "data");
    const text = (value: string) => Deno.writeTextFileSync(path, value, { append: true });
    Deno.writeFileSync(path, new Uint8Array(5000), { append: true });
    text("\n\n\n\ufeff\n" + "x".repeat(3_000_000) + "\n");
    text(new TextDecoder().decode(encodeRecord(drop("b"))).replace("\n", "\r\n"));
    await journal.append([drop("c")], "data");
    assertEquals(ids(), ["a", "b", "c"]);
    assertEquals(quarantined(path).map((line) => line.length).sort((x, y) => x - y), [1, 5000, 3_000_000]);
  });
});

Deno.test("Journal.read() finds lines that straddle its chunks, up to the longest", async () => {
  await journalTest(async ({ journal, ids }) => {
    const expected: string[] = [];
    for (let count = 0; count < 40; count++) {
      const id = String(count).padEnd(count % 3 === 0 ? MAX_LINE_BYTES - 60 : 1000 * count, "x");
      await journal.append([drop(id)], "none");
      expected.push(id);
    }
    assert(ids().every((id, at) => id === expected[at]));
    assertEquals(ids().length, 40);
  });
});

Deno.test("Journal.append() takes back a short write and reports a full disk", async () => {
  let short = false;
  const files = filesWith((file) => ({ append: (bytes) => file.append(short ? bytes.subarray(0, 10) : bytes) }));
  await journalTest(async ({ journal, path, ids }) => {
    await journal.append([drop("a")], "data");
    const before = Deno.readTextFileSync(path);
    short = true;
    const error = await assertRejects(() => journal.append([drop("b")], "data"), StorageError);
    assertEquals([error.code, Deno.readTextFileSync(path)], ["disk-full", before]);
    short = false;
    await journal.append([drop("c")], "data");
    assertEquals(ids(), ["a", "c"]);
  }, files);
});

Deno.test("Journal.append() rejects if the disk does not confirm the write", async () => {
  const files = filesWith((_, path) =>
    path.endsWith("queue.jsonl")
      ? {
        syncData: () => {
          throw Object.assign(new Error("Input/output error (os error 5)"), { code: "EIO" });
        },
      }
      : {}
  );
  await journalTest(async ({ journal }) => {
    const error = await assertRejects(
      () => journal.append([drop("a")], "data"),
      StorageError,
      "Cannot write the queue",
    );
    assertEquals(error.code, "write-failed");
  }, files);
});

Deno.test("Journal.append() syncs the data, and the directory once if the file is new or the caller wants it", async () => {
  const calls: string[] = [];
  const files = filesWith(
    (file) => ({
      syncData: () => {
        calls.push("data");
        file.syncData();
      },
    }),
    {
      syncDirectory: (path) => {
        calls.push("directory");
        denoFiles.syncDirectory(path);
      },
    },
  );
  await journalTest(async ({ journal, open }) => {
    const append = async (to: Journal, durability: Durability) => {
      calls.length = 0;
      await to.append([drop("a")], durability);
      return calls.join(" ");
    };
    assertEquals(await append(journal, "data"), "data directory", "the file is new");
    assertEquals([await append(journal, "data"), await append(journal, "none")], ["data", ""]);
    assertEquals(await append(journal, "directory"), "data", "this process has synced the name already");
    const other = open();
    assertEquals(await append(other, "directory"), "data directory", "another process may not have synced it");
    await other.compact(() => [drop("b")], () => false);
    assertEquals(await append(journal, "directory"), "data directory", "the file was replaced");
  }, files);
});

Deno.test("Journal.append() gives up after 5 s if another process holds the lock", async () => {
  await journalTest(async ({ journal, path }) => {
    using holder = denoFiles.open(path.replace("queue.jsonl", "lock"), "append");
    assert(holder.tryLock());
    const error = await assertRejects(
      () => journal.append([drop("a")], "data"),
      StorageError,
      "another process has held the lock for 5 s",
    );
    assertEquals(error.code, "locked");
    holder.unlock();
    await journal.append([drop("b")], "data");
  });
});

Deno.test("Journal.append() by many tasks at once loses and mixes nothing", async () => {
  await journalTest(async ({ journal, open, ids }) => {
    const journals = [journal, open(), open()];
    const all = Array.from({ length: 60 }, (_, at) => String(at));
    await Promise.all(all.map((id, at) => journals[at % 3].append([drop(id)], "none")));
    assertEquals(ids().sort(), all.sort());
  });
});

Deno.test("Journal.append() of concurrent callers makes one write and one sync", async () => {
  const calls: string[] = [];
  const files = filesWith((file, path) => ({
    append(bytes) {
      if (path.endsWith(".jsonl")) calls.push("write");
      return file.append(bytes);
    },
    syncData() {
      calls.push("sync");
      file.syncData();
    },
  }));
  await journalTest(async ({ journal, ids }) => {
    const all = Array.from({ length: 64 }, (_, at) => String(at));
    await Promise.all(all.map((id) => journal.append([drop(id)], "data")));
    assertEquals([calls, ids()], [["write", "sync"], all]);
  }, files);
});

Deno.test("Journal.append() of concurrent callers fails for those alone that do not fit", async () => {
  await journalTest(async ({ journal, path, ids }) => {
    await journal.append([drop("a")], "data");
    const line = encodeRecord(drop("a")).length;
    const room = Deno.statSync(path).size + 2 * line;
    const limits = [room, room, room, Infinity];
    const appends = limits.map((maxBytes, at) => journal.append([drop(String(at))], "data", maxBytes));
    const results = await Promise.allSettled(appends);
    assertEquals(results.map(({ status }) => status), ["fulfilled", "fulfilled", "rejected", "fulfilled"]);
    assertEquals(ids(), ["a", "0", "1", "3"]);
  });
});

Deno.test("Journal.append() of concurrent callers fails for all if the disk does not confirm it", async () => {
  const files = filesWith(() => ({
    syncData() {
      throw Object.assign(new Error("Input/output error (os error 5)"), { code: "EIO" });
    },
  }));
  await journalTest(async ({ journal, ids }) => {
    const appends = ["a", "b"].map((id) => journal.append([drop(id)], "data"));
    const errors = (await Promise.allSettled(appends)).map((result) => "reason" in result && result.reason.code);
    assertEquals([errors, ids()], [["write-failed", "write-failed"], []]);
  }, files);
});

Deno.test("Journal.append() that the disk does not confirm leaves nothing behind, and readers forget those records", async () => {
  let fails = false;
  const seen: string[] = [];
  const journals: Journal[] = [];
  const read = () => journals[1].read();
  const files = filesWith((file) => ({
    syncData: () => {
      if (!fails) return file.syncData();
      read();
      throw Object.assign(new Error("Input/output error (os error 5)"), { code: "EIO" });
    },
  }));
  await journalTest(async ({ journal, open, ids }) => {
    const reader = open((record) => "id" in record && seen.push(record.id), () => void (seen.length = 0));
    journals.push(journal, reader);
    await journal.append([drop("a")], "data");
    read();
    fails = true;
    await assertRejects(() => journal.append([drop("b"), drop("c")], "data"), StorageError);
    assertEquals(seen, ["a", "b", "c"], "a reader saw it before the disk refused");
    fails = false;
    await journal.append([drop("d"), drop("e"), drop("f")], "data");
    read();
    assertEquals([seen, ids()], [["a", "d", "e", "f"], ["a", "d", "e", "f"]]);
  }, files);
});

Deno.test("Journal.append() notices that another process replaced lines it took back by lines of the same length", async () => {
  await journalTest(async ({ journal, open, path }) => {
    const seen: string[] = [];
    const mine = open((record) => "id" in record && seen.push(record.id), () => seen.splice(0));
    await mine.append([drop("a")], "data");
    const { size } = Deno.statSync(path);
    await journal.append([drop("b")], "none");
    mine.read();
    Deno.truncateSync(path, size);
    await journal.append([drop("c")], "data");
    await mine.append([drop("d")], "data");
    assertEquals(seen, ["a", "c", "d"]);
  });
});

Deno.test("Queue.refresh() keeps the old state if a replaced journal cannot be read, and reads it again later", async () => {
  const stateDir = Deno.makeTempDirSync();
  using runtime = fakeRuntime({ realIds: true });
  let isBroken = false;
  const files = filesWith((file) => ({
    read(buffer, offset) {
      if (isBroken) throw new Error("Input/output error (os error 5)");
      return file.read(buffer, offset);
    },
  }));
  try {
    const queue = Queue.open(stateDir, runtime, { files });
    queue.prepare();
    const request = { channel: "matrix", destination: "!a", notification: {}, expires: runtime.time * 2 };
    const { entries: [entry] } = await queue.enqueue([request], () => false);
    const path = `${queue.directory}/queue.jsonl`;
    Deno.copyFileSync(path, `${path}.new`);
    Deno.renameSync(`${path}.new`, path);
    isBroken = true;
    assertThrows(() => queue.refresh(), StorageError, "input/output error");
    assertEquals(queue.state.liveEntries().map(({ id }) => id), [entry.id]);
    await Queue.open(stateDir, runtime).drop([entry]);
    isBroken = false;
    queue.refresh();
    assertEquals(queue.state.liveEntries(), []);
  } finally {
    Deno.removeSync(stateDir, { recursive: true });
  }
});
