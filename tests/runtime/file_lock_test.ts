import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { StorageError } from "../../src/base/errors.ts";
import { FileLock } from "../../src/runtime/file_lock.ts";
import { denoFiles } from "../../src/runtime/files.ts";
import { type FakeRuntime, fakeRuntime } from "../fakes/runtime.ts";

async function lockTest(body: (open: () => FileLock, runtime: FakeRuntime) => void | Promise<void>) {
  const directory = Deno.makeTempDirSync();
  using runtime = fakeRuntime();
  try {
    await body(() => new FileLock(denoFiles, `${directory}/lock`), runtime);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

Deno.test("FileLock.tryAcquire() returns nothing while any object holds the lock", async () => {
  await lockTest((open) => {
    const [one, other] = [open(), open()];
    {
      using held = one.tryAcquire();
      assertEquals([held?.isHeld, one.tryAcquire(), other.tryAcquire()], [true, undefined, undefined]);
    }
    using next = other.tryAcquire();
    assertEquals([next?.isHeld, one.tryAcquire()], [true, undefined]);
  });
});

Deno.test("HeldLock.release() does not release a lock that was acquired later", async () => {
  await lockTest((open) => {
    const lock = open();
    const first = lock.tryAcquire();
    first?.release();
    using second = lock.tryAcquire();
    first?.release();
    assertEquals([first?.isHeld, second?.isHeld, open().tryAcquire()], [false, true, undefined]);
  });
});

Deno.test("FileLock releases its lock when it is disposed of, and no lock of another object", async () => {
  await lockTest((open) => {
    const [one, other] = [open(), open()];
    const held = one.tryAcquire();
    other[Symbol.dispose]();
    assertEquals(held?.isHeld, true);
    one[Symbol.dispose]();
    using next = other.tryAcquire();
    assertEquals([held?.isHeld, next?.isHeld], [false, true]);
  });
});

Deno.test("FileLock.acquire() waits until the lock is free, for a limited time", async () => {
  await lockTest(async (open, runtime) => {
    const held = open().tryAcquire();
    assert(held);
    assertEquals(await open().acquire(100, runtime), undefined);
    const reason = new Error("enough");
    await assertRejects(() => open().acquire(100, runtime, AbortSignal.abort(reason)), Error, "enough");
    held.release();
    using next = await open().acquire(0, runtime);
    assertEquals(next?.isHeld, true);
  });
});

Deno.test("FileLock.tryAcquire() throws if the lock file cannot be opened", () => {
  assertThrows(() => new FileLock(denoFiles, "/nowhere/lock").tryAcquire(), StorageError, "Cannot lock /nowhere/lock");
});
