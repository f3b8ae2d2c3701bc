import { assertEquals } from "@std/assert";
import { Uploads } from "../../src/server/uploads.ts";

const DAY_MS = 86_400_000;

function setUploads() {
  const directory = Deno.makeTempDirSync();
  let count = 0;
  const uploads = new Uploads(directory);
  return {
    uploads,
    store: (size: number, now: number) =>
      uploads.store(new Uint8Array(size), {
        now,
        uuid: `00000000-0000-0000-0000-${String(++count).padStart(12, "0")}`,
      }),
    [Symbol.dispose]: () => Deno.removeSync(directory, { recursive: true }),
  };
}

Deno.test("Uploads.store() writes a file that only the owner can read, and find() returns its path", () => {
  using set = setUploads();
  const path = set.uploads.find(set.store(3, 1e12)) ?? "";
  const { size, mode } = Deno.statSync(path);
  assertEquals([size, (mode ?? 0) & 0o777], [3, 0o600]);
});

Deno.test("Uploads.find() returns nothing for other names", () => {
  using set = setUploads();
  assertEquals(
    ["", "..", "../x", "queue", "000000000-00000000-0000-0000-0000-000000000009"].map((id) => set.uploads.find(id)),
    [
      ...[undefined, undefined, undefined, undefined, undefined],
    ],
  );
});

Deno.test("Uploads.store() deletes uploads that are older than a day, and the oldest ones above 64 MiB", () => {
  using set = setUploads();
  const old = set.store(1, 1e12);
  const parts = Array.from({ length: 8 }, (_, at) => set.store(8 * 2 ** 20, 1e12 + DAY_MS + at));
  parts.push(set.store(1, 1e12 + DAY_MS + 9));
  assertEquals([old, ...parts].map((id) => set.uploads.find(id) !== undefined), [
    ...[false, false, true, true, true, true, true, true, true, true],
  ]);
});
