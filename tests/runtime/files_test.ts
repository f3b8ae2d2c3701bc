import { assert, assertEquals, assertMatch } from "@std/assert";
import { appendLog, denoFiles, MAX_LOG_BYTES, readBytes } from "../../src/runtime/files.ts";

Deno.test("appendLog() keeps at most twice its limit, and writes each entry on one line", () => {
  const directory = Deno.makeTempDirSync();
  const path = `${directory}/deliverer.log`;
  for (let count = 0; count < 40; count++) appendLog(path, `${"x".repeat(20_000)}\n${count}`, 0);
  assertEquals([...Deno.readDirSync(directory)].length, 2);
  const sizes = [path, `${path}.old`].map((name) => Deno.statSync(name).size);
  assert(sizes.every((size) => size <= MAX_LOG_BYTES + 21_000), String(sizes));
  assertMatch(Deno.readTextFileSync(path), /^19\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.000[+-]\d\d:\d\d x+ \d+\n/);
  appendLog("/nowhere/deliverer.log", "is no reason to fail", 0);
  Deno.removeSync(directory, { recursive: true });
});

Deno.test("denoFiles.open() replaces a link instead of writing through it", () => {
  const directory = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(`${directory}/target`, "precious");
    Deno.symlinkSync(`${directory}/target`, `${directory}/reserve.bin`);
    {
      using file = denoFiles.open(`${directory}/reserve.bin`, "create");
      file.append(new TextEncoder().encode("noise"));
    }
    assertEquals(Deno.readTextFileSync(`${directory}/target`), "precious");
    assertEquals(Deno.lstatSync(`${directory}/reserve.bin`).isSymlink, false);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("denoFiles.size() is 0 for a missing file, a link and a directory", () => {
  const directory = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(`${directory}/file`, "12345");
    Deno.symlinkSync(`${directory}/file`, `${directory}/link`);
    Deno.mkdirSync(`${directory}/folder`);
    const names = ["file", "link", "folder", "missing"];
    assertEquals(names.map((name) => denoFiles.size(`${directory}/${name}`)), [5, 0, 0, 0]);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("readBytes() reads a whole file or its beginning, also in several reads", () => {
  const content = new TextEncoder().encode("0123456789");
  const file = {
    stat: () => ({ size: content.length, identity: "" }),
    read(buffer: Uint8Array, offset: number) {
      const part = content.subarray(offset, offset + Math.min(3, buffer.length));
      buffer.set(part);
      return part.length;
    },
  };
  const read = (size?: number) => new TextDecoder().decode(readBytes(file, size));
  assertEquals([read(), read(4), read(100), read(0)], ["0123456789", "0123", "0123456789", ""]);
});
