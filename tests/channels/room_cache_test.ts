import { assertEquals, assertRejects } from "@std/assert";
import { QueueError } from "../../src/base/errors.ts";
import { FileMemory } from "../../src/channels/room_cache_file.ts";
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

Deno.test("remember() is seen by every process, keeps what others wrote, and forgets with undefined", async () => {
  await inFolder(async (folder) => {
    using runtime = fakeRuntime();
    const [one, other] = [new FileMemory(`${folder}/state`, runtime), new FileMemory(`${folder}/state`, runtime)];
    assertEquals(one.recall("a"), undefined);
    await one.remember("a", { roomId: "!a" });
    await other.remember("b", 5);
    assertEquals([other.recall("a"), one.recall("b")], [{ roomId: "!a" }, 5]);
    await one.remember("b", undefined);
    assertEquals([other.recall("b"), other.recall("toString")], [undefined, undefined]);
    assertEquals(Deno.statSync(`${folder}/state/rooms.json`).mode! & 0o777, 0o600);
    assertEquals(Deno.statSync(`${folder}/state`).mode! & 0o777, 0o700);
  });
});

Deno.test("remember() is whole after whichever step it was cut off", async () => {
  await inFolder(async (folder) => {
    using runtime = fakeRuntime();
    const before = new FileMemory(folder, runtime);
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
      const memory = new FileMemory(folder, runtime, cut(step));
      await memory.remember("a", "new");
      assertEquals([memory.recall("a"), before.recall("a")], ["new", "old"]);
    }
    await before.remember("b", 1);
    assertEquals(new FileMemory(folder, runtime).recall("a"), "old");
  });
});

Deno.test("recall() takes a file that is damaged, or something else, for an empty one", async () => {
  await inFolder(async (folder) => {
    using runtime = fakeRuntime();
    for (const text of ["", "{", "[1]", "null", '{"a": 1}\u0000']) {
      Deno.writeTextFileSync(`${folder}/rooms.json`, text);
      assertEquals(new FileMemory(folder, runtime).recall("a"), undefined, text);
    }
    await new FileMemory(folder, runtime).remember("a", 2);
    assertEquals(new FileMemory(folder, runtime).recall("a"), 2);
  });
});

Deno.test("alone() lets one in at a time, and whoever waited too long hears it", async () => {
  await inFolder(async (folder) => {
    using runtime = fakeRuntime();
    const [one, other] = [new FileMemory(folder, runtime), new FileMemory(folder, runtime)];
    const gate = Promise.withResolvers<void>();
    const first = one.alone(() => gate.promise, { timeoutMs: 1000 });
    const error = await assertRejects(() => other.alone(() => Promise.resolve(), { timeoutMs: 1000 }), QueueError);
    assertEquals(error.message, `Cannot lock ${folder}/direct.lock: another process holds it`);
    gate.resolve();
    await first;
    assertEquals(await other.alone(() => Promise.resolve("in"), { timeoutMs: 0 }), "in");
    await assertRejects(() => other.alone(() => Promise.reject(new Error("no")), { timeoutMs: 0 }), Error, "no");
    assertEquals(await one.alone(() => Promise.resolve("in"), { timeoutMs: 0 }), "in");
  });
});
