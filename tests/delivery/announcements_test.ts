import { assertEquals, assertRejects } from "@std/assert";
import { Announcements } from "../../src/delivery/announcements.ts";
import { StorageError } from "../../src/base/errors.ts";
import type { Entry } from "../../src/queue/entry.ts";
import { Queue } from "../../src/queue/queue.ts";
import { fakeRuntime, TEST_TIME } from "../fakes/runtime.ts";

interface Scene {
  readonly queue: Queue;
  readonly announcements: Announcements;
  /** Enqueues an entry for each channel. `leaves` announces the first attempts in the same write. */
  add(channels: readonly string[], leaves?: boolean): Promise<readonly Entry[]>;
  /** Returns the numbers of attempts of the entries that are still in the queue. */
  attempts(entries: readonly Entry[]): (number | undefined)[];
}

async function announcementsTest(body: (scene: Scene) => Promise<void>) {
  const stateDir = Deno.makeTempDirSync();
  try {
    using runtime = fakeRuntime({ realIds: true });
    const queue = Queue.open(stateDir, runtime);
    queue.prepare();
    await body({
      queue,
      announcements: new Announcements(queue),
      async add(channels, leaves = false) {
        const requests = channels.map((channel) => ({
          ...{ channel, destination: "!a", notification: {}, expires: TEST_TIME * 2 },
        }));
        return (await queue.enqueue(requests, () => leaves)).entries;
      },
      attempts: (entries) => entries.map(({ id }) => queue.state.entry(id)?.attempts),
    });
  } finally {
    Deno.removeSync(stateDir, { recursive: true });
  }
}

Deno.test("Announcements.announce() announces each attempt once, and start() and end() follow it", async () => {
  await announcementsTest(async ({ announcements, add, attempts }) => {
    const [adopted] = await add(["m"], true), [fresh] = await add(["m"]);
    announcements.adopt([adopted, fresh]);
    assertEquals([announcements.isFree(adopted), announcements.isFree(fresh)], [false, true]);
    await announcements.announce([adopted, fresh]);
    await announcements.announce([adopted, fresh]);
    assertEquals([attempts([adopted, fresh]), announcements.isFree(fresh)], [[1, 1], false]);
    announcements.start(fresh.id);
    assertEquals(announcements.isFree(fresh), false);
    announcements.end(fresh.id);
    assertEquals(announcements.isFree(fresh), true);
  });
});

Deno.test("Announcements.withdraw() withdraws what did not start, for one channel or all", async () => {
  await announcementsTest(async ({ queue, announcements, add, attempts }) => {
    const entries = await add(["a", "b", "a", "b"]);
    await announcements.announce(entries);
    announcements.start(entries[0].id);
    await announcements.withdraw("a");
    assertEquals(attempts(entries), [1, 1, 0, 1]);
    await queue.drop([entries[1]]);
    await announcements.withdraw();
    assertEquals(attempts(entries), [1, undefined, 0, 0]);
    assertEquals(entries.map((entry) => announcements.isFree(entry)), [false, true, true, true]);
  });
});

Deno.test("Announcements.abandonKilled() puts the attempts of another process in doubt, and not those of this one", async () => {
  await announcementsTest(async ({ queue, announcements, add }) => {
    const [killed] = await add(["m"], true), [own] = await add(["m"], true);
    announcements.adopt([own]);
    await announcements.abandonKilled(TEST_TIME + 2000);
    const found = [killed, own].map(({ id }) => queue.state.entry(id));
    assertEquals(found.map((entry) => [entry?.inFlight?.n, entry?.wait?.class, entry?.wait?.next]), [
      [undefined, "in-doubt", TEST_TIME + 2000],
      [1, undefined, undefined],
    ]);
  });
});

Deno.test("Announcements.announce() rejects if the journal cannot be written, and announces nothing", async () => {
  await announcementsTest(async ({ queue, add }) => {
    const [entry] = await add(["m"]);
    const announcements = new Announcements({
      state: queue.state,
      announce: () => Promise.reject(new StorageError("write-failed", "refused")),
      withdraw: () => Promise.reject(new StorageError("write-failed", "refused")),
      abandon: (entries, next) => queue.abandon(entries, next),
    });
    await assertRejects(() => announcements.announce([entry]), StorageError, "refused");
    assertEquals(announcements.isFree(entry), true);
    announcements.adopt([{ ...entry, inFlight: { n: 1, time: TEST_TIME } }]);
    await announcements.withdraw();
    assertEquals(announcements.isFree(entry), true);
  });
});
