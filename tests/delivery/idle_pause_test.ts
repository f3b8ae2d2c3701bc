import { assertEquals } from "@std/assert";
import { IdlePause } from "../../src/delivery/idle_pause.ts";
import { denoRuntime } from "../../src/runtime/runtime.ts";

/**
 * Pauses whose directory changes when the test says so. Sleeps end only when their signal aborts.
 */
async function openPause({ canWatch = true } = {}) {
  const sleeps: number[] = [];
  let change = () => {};
  let watched = canWatch;
  const pause = await IdlePause.open(["/queue"], {
    watch(paths, onChange) {
      assertEquals(paths, ["/queue"]);
      change = onChange;
      return Promise.resolve(canWatch ? { [Symbol.dispose]: () => void (watched = false) } : undefined);
    },
    sleep(ms, signal) {
      sleeps.push(ms);
      return new Promise((resolve) => {
        if (signal?.aborted || ms < 100) resolve();
        signal?.addEventListener("abort", () => resolve());
      });
    },
  });
  return { pause, sleeps, change: () => change(), isWatched: () => watched };
}

Deno.test("IdlePause.wait() ends when the directory changes, and lets other changes follow", async () => {
  const { pause, sleeps, change, isWatched } = await openPause();
  const waiting = pause.wait(Infinity, []);
  change();
  await waiting;
  assertEquals(sleeps, [10_000, 20]);
  change();
  await pause.wait(Infinity, []);
  assertEquals(sleeps, [10_000, 20, 20], "the change before the pause is not missed");
  const stop = new AbortController();
  const stopped = pause.wait(300, [stop.signal]);
  stop.abort();
  await stopped;
  assertEquals(sleeps, [10_000, 20, 20, 300], "a signal ends it");
  pause[Symbol.dispose]();
  assertEquals(isWatched(), false);
});

Deno.test("IdlePause.wait() polls more often if the directory cannot be watched", async () => {
  const { pause, sleeps } = await openPause({ canWatch: false });
  await pause.wait(Infinity, [AbortSignal.abort()]);
  assertEquals(sleeps, [500]);
});

Deno.test("Runtime.watch() reports a new file in a subdirectory, and not that a file was read", async () => {
  const directory = Deno.makeTempDirSync();
  using runtime = denoRuntime();
  try {
    Deno.mkdirSync(`${directory}/spool`);
    Deno.writeTextFileSync(`${directory}/old`, "");
    let changes = 0;
    const changed = Promise.withResolvers<void>();
    using _watch = await runtime.watch([directory], () => {
      changes++;
      changed.resolve();
    });
    Deno.readTextFileSync(`${directory}/old`);
    // The events arrive in order: the first one that counts must be the new file.
    const before = changes;
    Deno.writeTextFileSync(`${directory}/spool/new`, "");
    await changed.promise;
    assertEquals(before, 0);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});
