import { assertEquals, assertRejects } from "@std/assert";
import { StorageError } from "../../src/base/errors.ts";
import {
  formatDestination,
  inMemoryRoomCache,
  readRoomNames,
  rememberRoomNames,
  type RoomCache,
  RoomCacheFile,
} from "../../src/channels/room_cache.ts";
import { denoFiles, type Files } from "../../src/runtime/files.ts";
import { fakeRuntime } from "../fakes/runtime.ts";

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync();
  try {
    await body(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("RoomCacheFile.remember() is visible to every process, does not change other keys, and removes a key with undefined", async () => {
  await inFolder(async (folder) => {
    using runtime = fakeRuntime();
    const [one, other] = [new RoomCacheFile(`${folder}/state`, runtime), new RoomCacheFile(`${folder}/state`, runtime)];
    assertEquals(one.get("a"), undefined);
    await one.remember("a", { roomId: "!a" });
    await other.remember("b", 5);
    assertEquals([other.get("a"), one.get("b")], [{ roomId: "!a" }, 5]);
    await one.remember("b", undefined);
    assertEquals([other.get("b"), other.get("toString")], [undefined, undefined]);
    assertEquals(Deno.statSync(`${folder}/state/rooms.json`).mode! & 0o777, 0o600);
    assertEquals(Deno.statSync(`${folder}/state`).mode! & 0o777, 0o700);
  });
});

Deno.test("RoomCacheFile.remember() keeps a complete file if it crashes at any step", async () => {
  await inFolder(async (folder) => {
    using runtime = fakeRuntime();
    const before = new RoomCacheFile(folder, runtime);
    await before.remember("a", "old");
    const cut = (step: "open" | "rename"): Files => ({
      ...denoFiles,
      open(path, mode) {
        if (step === "open" && path.endsWith(".tmp")) {
          Deno.writeTextFileSync(path, '{"a":');
          throw new Error("cut off here");
        }
        return denoFiles.open(path, mode);
      },
      rename(from, to) {
        if (step === "rename") throw new Error("cut off here");
        denoFiles.rename(from, to);
      },
    });
    for (const step of ["open", "rename"] as const) {
      const memory = new RoomCacheFile(folder, runtime, cut(step));
      await memory.remember("a", "new");
      assertEquals([memory.get("a"), before.get("a")], ["new", "old"]);
    }
    await before.remember("b", 1);
    assertEquals(new RoomCacheFile(folder, runtime).get("a"), "old");
  });
});

Deno.test("RoomCacheFile.remember() keeps the values of calls at the same time", async () => {
  for (let pause = 0; pause < 10; pause++) {
    await inFolder(async (folder) => {
      using runtime = fakeRuntime();
      const cache = new RoomCacheFile(folder, runtime);
      const first = cache.remember("first", 1);
      for (let count = 0; count < pause; count++) await Promise.resolve();
      await Promise.all([first, cache.remember("second", 2)]);
      const after = new RoomCacheFile(folder, runtime);
      assertEquals([after.get("first"), after.get("second")], [1, 2]);
    });
  }
});

/** Writes a cache file that is nearly as long as a cache file can be. Returns its values. */
function fillCache(folder: string): Readonly<Record<string, string>> {
  const old = Object.fromEntries(Array.from({ length: 5500 }, (_, at) => [`old ${at}`, "x".repeat(160)]));
  Deno.writeTextFileSync(`${folder}/rooms.json`, JSON.stringify(old));
  return old;
}

Deno.test("RoomCacheFile.remember() forgets the oldest values before the file is too long to be read", async () => {
  await inFolder(async (folder) => {
    using runtime = fakeRuntime();
    const old = fillCache(folder);
    const cache = new RoomCacheFile(folder, runtime);
    assertEquals(cache.get("old 0"), old["old 0"]);
    await cache.remember("new", "y".repeat(80_000));
    const after = new RoomCacheFile(folder, runtime);
    assertEquals([after.get("old 0"), after.get("old 5499")], [undefined, old["old 5499"]]);
    assertEquals(after.get("new"), "y".repeat(80_000));
  });
});

Deno.test("RoomCacheFile.remember() counts a value that is stored again as new", async () => {
  await inFolder(async (folder) => {
    using runtime = fakeRuntime();
    fillCache(folder);
    const cache = new RoomCacheFile(folder, runtime);
    await cache.remember("old 0", "again");
    await cache.remember("new", "y".repeat(80_000));
    assertEquals([cache.get("old 0"), cache.get("old 1")], ["again", undefined]);
  });
});

/** Files whose new contents cannot be written. */
const FULL_DISK: Files = {
  ...denoFiles,
  open(path, mode) {
    if (path.endsWith(".tmp")) throw new Deno.errors.PermissionDenied("read-only");
    return denoFiles.open(path, mode);
  },
};

for (const kind of ["RoomCacheFile without a writable file", "inMemoryRoomCache()"] as const) {
  Deno.test(`${kind} keeps the newest 1,000 values`, async () => {
    await inFolder(async (folder) => {
      using runtime = fakeRuntime();
      const cache: RoomCache = kind === "inMemoryRoomCache()"
        ? inMemoryRoomCache()
        : new RoomCacheFile(folder, runtime, FULL_DISK);
      for (let count = 0; count < 1000; count++) await cache.remember(`room ${count}`, count);
      await cache.remember("room 0", "again");
      await cache.remember("room 1000", 1000);
      const values = [0, 1, 2, 1000].map((count) => cache.get(`room ${count}`));
      assertEquals(values, ["again", undefined, 2, 1000]);
    });
  });
}

Deno.test("rememberRoomNames() keeps the newest 1,000 names", async () => {
  const cache = inMemoryRoomCache();
  const names = Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`!${at}`, "Alerts"]));
  await rememberRoomNames(cache, names);
  await rememberRoomNames(cache, { "!new": "Doors" });
  const { "!0": _, ...rest } = names;
  assertEquals(readRoomNames(cache), { ...rest, "!new": "Doors" });
});

Deno.test("RoomCacheFile.get() reads a damaged file as empty", async () => {
  await inFolder(async (folder) => {
    using runtime = fakeRuntime();
    for (const text of ["", "{", "[1]", "null", '{"a": 1}\u0000']) {
      Deno.writeTextFileSync(`${folder}/rooms.json`, text);
      assertEquals(new RoomCacheFile(folder, runtime).get("a"), undefined, text);
    }
    await new RoomCacheFile(folder, runtime).remember("a", 2);
    assertEquals(new RoomCacheFile(folder, runtime).get("a"), 2);
  });
});

Deno.test("RoomCacheFile.withLock() runs one function at a time, and rejects if the wait is too long", async () => {
  await inFolder(async (folder) => {
    using runtime = fakeRuntime();
    const [one, other] = [new RoomCacheFile(folder, runtime), new RoomCacheFile(folder, runtime)];
    const gate = Promise.withResolvers<void>();
    const first = one.withLock(() => gate.promise, { timeoutMs: 1000 });
    const error = await assertRejects(() => other.withLock(() => Promise.resolve(), { timeoutMs: 1000 }), StorageError);
    assertEquals(error.message, `Cannot lock ${folder}/direct.lock: another process holds it`);
    gate.resolve();
    await first;
    assertEquals(await other.withLock(() => Promise.resolve("in"), { timeoutMs: 0 }), "in");
    await assertRejects(() => other.withLock(() => Promise.reject(new Error("no")), { timeoutMs: 0 }), Error, "no");
    assertEquals(await one.withLock(() => Promise.resolve("in"), { timeoutMs: 0 }), "in");
  });
});

Deno.test("rememberRoomNames() keeps the names of other rooms, shortens long names, and forgets a removed name", async () => {
  await inFolder(async (folder) => {
    using runtime = fakeRuntime();
    const cache = new RoomCacheFile(folder, runtime);
    await rememberRoomNames(cache, { "!a": "Alerts", "!b": "x".repeat(1000), "!c": " " });
    await rememberRoomNames(cache, { "!a": undefined, "!d": "Doors" });
    const names = readRoomNames(new RoomCacheFile(folder, runtime));
    assertEquals(names, { "!b": "x".repeat(80), "!d": "Doors" });
    const shown = ["!d", "!a", "#d:example.org", "toString"].map((room) => formatDestination(room, names));
    assertEquals(shown, ["Doors (!d)", "!a", "#d:example.org", "toString"]);
  });
});
