import { assert, assertEquals, assertRejects } from "@std/assert";
import { StorageError } from "../../src/base/errors.ts";
import { denoFiles, type Files } from "../../src/runtime/files.ts";
import { ACK_RETENTION_MS, MAX_QUARANTINE_BYTES, MIN_COMPACTION_BYTES } from "../../src/queue/limits.ts";
import { Queue } from "../../src/queue/queue.ts";
import type { JournalRecord } from "../../src/queue/record.ts";
import { encodeRecord } from "../../src/queue/journal_line.ts";
import { QueueState } from "../../src/queue/state.ts";
import { type FakeRuntime, fakeRuntime, TEST_TIME } from "../fakes/runtime.ts";

async function compactionTest(
  body: (t: { queue: Queue; runtime: FakeRuntime; path: string; open(): Queue }) => Promise<void>,
  files: Files = denoFiles,
) {
  const stateDir = Deno.makeTempDirSync();
  using runtime = fakeRuntime({ realIds: true });
  const queue = Queue.open(stateDir, runtime, { files });
  queue.prepare();
  try {
    await body({
      queue,
      runtime,
      path: `${queue.directory}/queue.jsonl`,
      open: () => Queue.open(stateDir, runtime, { files }),
    });
  } finally {
    Deno.removeSync(stateDir, { recursive: true });
  }
}

const request = (message: string) => ({
  channel: "matrix",
  destination: "!a",
  notification: { subject: message.slice(0, 5), message },
  expires: TEST_TIME * 2,
});

/** Fills the journal with delivered messages of 50 KB. */
async function fill(queue: Queue, count: number, characters = 50_000): Promise<string[]> {
  const ids: string[] = [];
  for (let done = 0; done < count; done++) {
    const { entries: [entry] } = await queue.enqueue([request("x".repeat(characters))], () => true);
    await queue.recordResult(entry, { state: "delivered", receipt: `$${done}`, via: "put" }, { isProof: false });
    ids.push(entry.id);
  }
  return ids;
}

Deno.test("Queue.compact() skips a small journal, and one that is mostly live", async () => {
  await compactionTest(async ({ queue }) => {
    await fill(queue, 5, 100);
    assertEquals(await queue.compact(), false);
    for (let count = 0; count < 10; count++) await queue.enqueue([request("x".repeat(50_000))], () => false);
    assert(queue.bytes > MIN_COMPACTION_BYTES);
    assertEquals(await queue.compact(), false);
  });
});

Deno.test("Queue.compact() keeps live entries, dead letters and acknowledgements, and nothing else", async () => {
  await compactionTest(async ({ queue, path, open }) => {
    const { entries: [first] } = await queue.enqueue([request("first")], () => true);
    await queue.recordResult(first, {
      state: "failed",
      class: "rate-limited",
      reason: "429",
      next: TEST_TIME + 5000,
      notBefore: TEST_TIME + 5000,
    }, { isProof: false });
    await fill(queue, 10);
    const { entries: [poison] } = await queue.enqueue([request("rejected")], () => true);
    await queue.recordResult(poison, { state: "dead", reason: "too large", status: 413 }, { isProof: false });
    const before = [queue.state.entries(), queue.state.channelState("matrix"), queue.figures().lastDelivery];
    assertEquals(await queue.compact(), true);
    const strip = ([entries, ...rest]: unknown[]) =>
      JSON.stringify([
        (entries as { bytes: number }[]).map((entry) => ({ ...entry, bytes: 0 })),
        ...rest,
      ]);
    assertEquals(
      strip([queue.state.entries(), queue.state.channelState("matrix"), queue.figures().lastDelivery]),
      strip(before),
    );
    const fresh = open();
    assertEquals(
      strip([fresh.state.entries(), fresh.state.channelState("matrix"), fresh.figures().lastDelivery]),
      strip(before),
    );
    const types = Deno.readTextFileSync(path).trimEnd().split("\n").map((line) => JSON.parse(line).t);
    assertEquals(types, ["hdr", "lane", "enq", "snap", "enq", "snap", ...Array(10).fill("ack")]);
    assert(queue.bytes < 10_000);
  });
});

Deno.test("Queue.compact() forgets acknowledgements after their retention, and lanes that were silent for a day", async () => {
  await compactionTest(async ({ queue, runtime, path }) => {
    const types = () => Deno.readTextFileSync(path).trimEnd().split("\n").map((line) => JSON.parse(line).t);
    await fill(queue, 10);
    runtime.time += ACK_RETENTION_MS;
    await queue.compact();
    assertEquals(types(), ["hdr", "lane"]);
    await fill(queue, 10);
    runtime.time += 24 * 3_600_000;
    await queue.compact();
    assertEquals(types(), ["hdr"]);
  });
});

Deno.test("Queue.compact() copies lines of unknown types, and seals and keeps the torn line of a dead writer", async () => {
  await compactionTest(async ({ queue, path, open }) => {
    await fill(queue, 10);
    const later = new TextDecoder().decode(encodeRecord({ t: "later", time: 1 } as unknown as JournalRecord));
    Deno.writeTextFileSync(path, `${later}garbage\n`, { append: true });
    const whole = encodeRecord({ t: "enq", id: "late", time: 1, ...request("late") });
    Deno.writeFileSync(path, whole.subarray(0, -1), { append: true });
    queue.refresh();
    await queue.compact();
    assert(Deno.readTextFileSync(path).includes(later));
    assertEquals(open().state.liveEntries().map((entry) => entry.id), ["late"]);
    assertEquals(queue.figures().quarantined, 1);
  });
});

Deno.test("Queue.compact() deletes the oldest damaged lines if the quarantine is full; a reader copies no more lines", async () => {
  await compactionTest(async ({ queue, path }) => {
    await fill(queue, 10);
    const directory = `${queue.directory}/quarantine`;
    Deno.mkdirSync(directory);
    for (
      const [name, bytes] of [["queue.jsonl.1000000000000@5", MAX_QUARANTINE_BYTES / 2], [
        "spool.001100000000000-x.jsonl",
        MAX_QUARANTINE_BYTES / 2,
      ]] as const
    ) {
      using file = Deno.openSync(`${directory}/${name}`, { write: true, create: true });
      file.truncateSync(bytes);
    }
    const names = () => Array.from(Deno.readDirSync(directory), ({ name }) => name.replace(/@.*/, "")).sort();
    Deno.writeTextFileSync(path, "garbage\n", { append: true });
    queue.refresh();
    assertEquals(names(), ["queue.jsonl.1000000000000", "spool.001100000000000-x.jsonl"]);
    await queue.compact();
    assertEquals(names(), [`queue.jsonl.${TEST_TIME}`, "spool.001100000000000-x.jsonl"]);
  });
});

Deno.test("Queue.compact() is noticed by other processes, which continue with the new journal", async () => {
  await compactionTest(async ({ queue, open }) => {
    const other = open();
    const { entries: [mine] } = await other.enqueue([request("mine")], () => true);
    queue.refresh();
    await queue.recordResult(mine, { state: "delivered", receipt: "$mine", via: "put" }, { isProof: false });
    await fill(queue, 10);
    await queue.compact();
    const { entries: [next] } = await other.enqueue([request("next")], () => false);
    assertEquals(other.state.finalState(mine.id), { state: "delivered", receipt: "$mine" });
    queue.refresh();
    assertEquals([queue.state.liveEntries(), other.state.liveEntries()].map((live) => live.map((entry) => entry.id)), [[
      next.id,
    ], [next.id]]);
  });
});

for (const operation of ["append", "syncData", "rename", "syncDirectory"] as const) {
  Deno.test(`Queue.compact() that fails at ${operation} leaves a journal with the same state`, async () => {
    let armed = false;
    const fail = () => {
      throw Object.assign(new Error("Input/output error (os error 5)"), { code: "EIO" });
    };
    const files: Files = {
      ...denoFiles,
      open(path, mode) {
        const file = denoFiles.open(path, mode);
        if (!armed || mode !== "create") return file;
        return {
          ...file,
          [Symbol.dispose]: () => file[Symbol.dispose](),
          ...(operation in file ? { [operation]: fail } : {}),
        };
      },
      ...(operation === "rename" || operation === "syncDirectory"
        ? { [operation]: (...args: [string, string]) => armed ? fail() : denoFiles[operation](...args) }
        : {}),
    };
    await compactionTest(async ({ queue, open }) => {
      await queue.enqueue([request("waiting")], () => false);
      await fill(queue, 10);
      armed = true;
      await assertRejects(() => queue.compact(), StorageError, "Cannot compact the queue");
      armed = false;
      assertEquals(open().state.liveEntries().length, 1);
      await queue.enqueue([request("more")], () => false);
      assertEquals([queue.state.liveEntries().length, open().state.liveEntries().length], [2, 2]);
    }, files);
  });
}

Deno.test("QueueState.snapshot() folds to the same state after random histories", () => {
  let seed = 1;
  const roll = (sides: number) => (seed = (seed * 48271) % 2147483647) % sides;
  const pick = <Value>(values: readonly Value[]) => values[roll(values.length)];
  for (let round = 0; round < 300; round++) {
    const state = new QueueState();
    let acks = 0;
    for (let time = 1; time < 60; time++) {
      const id = roll(5) === 0 ? `D${roll(4)}` : String(roll(6));
      const n = (state.entry(id)?.attempts ?? 0) + 1;
      const record = pick<JournalRecord>([
        {
          t: "enq",
          id: String(roll(6)),
          time,
          channel: pick(["a", "b"]),
          destination: pick(["x", "y"]),
          notification: { time },
          expires: time + 9,
        },
        {
          t: "enq",
          id: String(roll(6)),
          time: roll(time),
          channel: "a",
          destination: "x",
          notification: { time },
          expires: time + 9,
          spooled: true,
        },
        { t: "att", id, n, time },
        {
          t: "nack",
          id,
          n: n - 1,
          time,
          class: pick(["not-sent", "in-doubt", "rate-limited", "credentials", "destination", "withdrawn"]),
          reason: "r",
          next: time + 5,
          notBefore: roll(2) ? time : undefined,
        },
        { t: "ack", id, time, receipt: "$", via: "put", ...(roll(4) === 0 ? { possibleDuplicate: true } : {}) },
        { t: "dead", id, time, reason: "d", ...(roll(2) ? { status: 413 } : {}) },
        { t: "retry", id, time, expires: time + 99 },
        { t: "drop", id, time },
        { t: "flush", time },
        {
          t: "batch",
          id: `D${roll(4)}`,
          time,
          channel: "a",
          destination: "x",
          members: Array.from({ length: 4 }, () => String(roll(6))),
        },
      ]);
      if (record.t === "ack") acks++;
      state.apply(record, 10);
      const all = state.entries().flatMap((entry) => [entry, ...entry.members ?? []]);
      assertEquals(new Set(all.map((entry) => entry.id)).size, all.length, `round ${round}: no entry is there twice`);
      assertEquals(state.keptBytes, 10 * (all.length + acks), `round ${round}: every line is counted`);
      for (const { id, members } of all) {
        assertEquals(state.entry(id)?.id, id);
        for (const member of members ?? []) assertEquals(state.findBatch(member.id)?.id, id);
        if (members) assert(members.length > 0);
      }
    }
    const again = new QueueState();
    for (const record of state.snapshot({ time: 0, host: "" })) again.apply(JSON.parse(JSON.stringify(record)));
    const seen = (of: QueueState) => [
      JSON.parse(JSON.stringify(of.entries(), (key, value) => key === "bytes" ? 0 : value)),
      [of.channelState("a"), of.channelState("b"), of.possibleDuplicates, of.lastDelivery],
      ["x", "y"].map((destination) => of.recentDeliveries({ channel: "a", destination })),
    ];
    assertEquals(seen(again), seen(state), `round ${round}`);
  }
});

Deno.test("Queue.compact() keeps an open incident, and a waiting entry that resolves it", async () => {
  await compactionTest(async ({ queue, runtime, open }) => {
    const keyed = { ...request("Disk full"), key: "disk", title: "Disk full", replaces: true } as const;
    const { entries: [fire] } = await queue.enqueue([keyed], () => true);
    await queue.recordResult(fire, { state: "delivered", receipt: "$fire", via: "put" }, { isProof: false });
    runtime.time += 60_000;
    await queue.enqueue([{ ...keyed, resolves: true }], () => false);
    await fill(queue, 10);
    assertEquals(await queue.compact(), true);
    for (const each of [queue, open()]) {
      const [resolve] = each.state.liveEntries();
      const { receipt, since, count } = each.state.findIncident(resolve) ?? {};
      assertEquals([resolve.resolves, receipt, since, count], [true, "$fire", TEST_TIME, 1]);
    }
  });
});

Deno.test("Queue.compact() drops the acknowledgement of a member whose batch is not acknowledged", async () => {
  // After the snapshot it would be read again, outside of its batch, and would remove the entry.
  await compactionTest(async ({ queue, path, open }) => {
    await queue.enqueue([request("a"), request("b")], () => false);
    await queue.batch([{ entries: queue.state.liveEntries() }]);
    const [batch] = await queue.announce(queue.state.liveEntries());
    await queue.recordResult(batch, { state: "delivered", receipt: "$1", via: "put" }, { isProof: false });
    // The end of the write is lost in a power cut.
    const lines = Deno.readTextFileSync(path).split("\n");
    Deno.writeTextFileSync(path, lines.slice(0, -2).map((line) => `${line}\n`).join(""));
    queue.refresh();
    await queue.expire(
      queue.state.liveEntries().flatMap(({ members = [] }) => members).map((entry) => ({ entry, reason: "x" })),
      [],
    );
    await fill(queue, 6);
    const before = queue.state.entries().map(({ id, dead }) => [id, dead?.reason]);
    assertEquals([before.length, await queue.compact()], [2, true]);
    assertEquals(open().state.entries().map(({ id, dead }) => [id, dead?.reason]), before);
  });
});
