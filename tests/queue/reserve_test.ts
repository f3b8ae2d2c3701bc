import { assert, assertEquals, assertThrows } from "@std/assert";
import { StorageError } from "../../src/base/errors.ts";
import { denoFiles, type Files } from "../../src/runtime/files.ts";
import { RESERVE_BYTES } from "../../src/queue/limits.ts";
import { Queue } from "../../src/queue/queue.ts";
import { Reserve } from "../../src/queue/reserve.ts";
import { fakeRuntime, TEST_TIME } from "../fakes/runtime.ts";

/** A disk of limited size. Removed and truncated files give their room back. */
function smallDisk(directory: string, room: { bytes: number }): Files {
  const used = () =>
    denoFiles.list(directory).map((name) => Deno.statSync(`${directory}/${name}`)).filter((stat) => stat.isFile)
      .reduce((sum, { size }) => sum + size, 0);
  return {
    ...denoFiles,
    open(path, mode) {
      const file = denoFiles.open(path, mode);
      return {
        ...file,
        append(bytes) {
          const left = room.bytes - used();
          if (left <= 0) throw new Error("No space left on device (os error 28)");
          return file.append(bytes.subarray(0, left));
        },
        [Symbol.dispose]: () => file[Symbol.dispose](),
      };
    },
  };
}

async function diskTest(body: (t: { directory: string; room: { bytes: number }; files: Files }) => Promise<void>) {
  const stateDir = Deno.makeTempDirSync();
  const directory = `${stateDir}/queue`;
  const room = { bytes: 200_000 };
  try {
    Deno.mkdirSync(directory);
    await body({ directory, room, files: smallDisk(directory, room) });
  } finally {
    Deno.removeSync(stateDir, { recursive: true });
  }
}

const request = (bytes: number) => ({
  channel: "matrix",
  destination: "!a",
  notification: { message: "x".repeat(bytes) },
  expires: TEST_TIME * 2,
});

Deno.test("Queue.enqueue() on a full disk uses the reserve, reports it, and rejects when it is used up", async () => {
  await diskTest(async ({ directory, room, files }) => {
    using runtime = fakeRuntime({ realIds: true });
    let used = 0;
    const queue = Queue.open(directory.replace("/queue", ""), runtime, { files, onReserveUsed: () => void used++ });
    queue.keepReserve();
    assertEquals(Deno.statSync(`${directory}/reserve.bin`).size, RESERVE_BYTES);
    room.bytes = RESERVE_BYTES + 1000;
    await queue.enqueue([request(2000)], () => false);
    assertEquals([used, queue.state.liveEntries().length], [1, 1]);
    assert(!denoFiles.list(directory).includes("reserve.bin"));
    let refusal: unknown;
    for (let count = 2; refusal === undefined; count++) {
      await queue.enqueue([request(2000)], () => false).catch((error) => refusal = error);
      if (refusal === undefined) assertEquals(queue.state.liveEntries().length, count);
    }
    assert(refusal instanceof StorageError && refusal.code === "disk-full");
    assert(queue.state.liveEntries().length > 20);
    queue.keepReserve();
    assert(!denoFiles.list(directory).includes("reserve.bin"), "a reserve that does not fit leaves nothing behind");
    room.bytes *= 3;
    queue.keepReserve();
    assert(denoFiles.list(directory).includes("reserve.bin"));
  });
});

Deno.test("Reserve.keep() writes bytes that do not compress, and only once", async () => {
  await diskTest(async ({ directory, files }) => {
    const reserve = new Reserve(directory, files, () => {});
    reserve.keep();
    const bytes = Deno.readFileSync(`${directory}/reserve.bin`);
    const packed = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
    assert((await new Response(packed).arrayBuffer()).byteLength > 0.99 * RESERVE_BYTES);
    Deno.utimeSync(`${directory}/reserve.bin`, 1, 1);
    reserve.keep();
    assertEquals(Deno.statSync(`${directory}/reserve.bin`).mtime?.getTime(), 1000);
  });
});

Deno.test("Reserve.during() throws other errors, and that of a full disk without a reserve", async () => {
  await diskTest(({ directory, files }) => {
    const reserve = new Reserve(directory, files, () => {});
    let runs = 0;
    const fail = (trouble: "disk-full" | "queue-full") => () => {
      runs++;
      throw new StorageError(trouble, trouble);
    };
    assertThrows(() => reserve.during(fail("disk-full")), StorageError, "disk-full");
    reserve.keep();
    assertThrows(() => reserve.during(fail("queue-full")), StorageError, "queue-full");
    assertEquals(runs, 2);
    return Promise.resolve();
  });
});
