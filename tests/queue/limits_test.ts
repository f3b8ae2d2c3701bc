import { assert, assertEquals, assertRejects } from "@std/assert";
import { StorageError } from "../../src/base/errors.ts";
import { fullnessWarning, MAX_QUEUE_BYTES, NEARLY_FULL_BYTES } from "../../src/queue/limits.ts";
import { Queue } from "../../src/queue/queue.ts";
import { fakeRuntime, TEST_TIME } from "../fakes/runtime.ts";

Deno.test("Queue.enqueue() rejects at the size limit, has more room for urgent entries, and results are still written", async () => {
  const stateDir = Deno.makeTempDirSync();
  using runtime = fakeRuntime({ realIds: true });
  const queue = Queue.open(stateDir, runtime);
  queue.prepare();
  const request = (isUrgent: boolean) => ({
    channel: "matrix",
    destination: "!a",
    notification: { message: "x".repeat(100_000) },
    expires: TEST_TIME * 2,
    isUrgent,
  });
  try {
    const fill = async (isUrgent: boolean) => {
      const error = await assertRejects(
        async () => {
          for (;;) await queue.enqueue([request(isUrgent)], () => false);
        },
        StorageError,
        "the file has reached its limit of",
      );
      assertEquals(error.code, "queue-full");
    };
    await fill(false);
    // The refused entry is forgotten. The others are not settled yet.
    assertEquals(queue.state.watchedCount, queue.state.entries().length);
    assert(queue.bytes <= MAX_QUEUE_BYTES && queue.bytes > MAX_QUEUE_BYTES - 110_000);
    const before = queue.bytes;
    await fill(true);
    assert(queue.bytes > before + 1_000_000);
    for (const entry of queue.state.liveEntries().slice(0, 40)) {
      await queue.recordResult(entry, { state: "delivered", receipt: "$", via: "put" }, { isProof: false });
    }
    assertEquals(await queue.compact(), true, "nearly full, so that a compaction is worth it");
    await queue.enqueue([request(false)], () => false);
    assert(!Deno.readTextFileSync(`${queue.directory}/queue.jsonl`).includes("isUrgent"));
  } finally {
    Deno.removeSync(stateDir, { recursive: true });
  }
});

Deno.test("fullnessWarning() shows the sizes of a queue that is nearly full", () => {
  assertEquals(fullnessWarning(NEARLY_FULL_BYTES), undefined);
  assertEquals(
    fullnessWarning(15 * 2 ** 20),
    "The queue is nearly full: 15 MiB of 16 MiB; at the limit, new notifications are rejected",
  );
});
