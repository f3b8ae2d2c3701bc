import { assert, assertEquals, assertThrows } from "@std/assert";
import { openSources, safeFileName } from "../../../src/notification/attachments/source.ts";
import { InvalidNotificationError } from "../../../src/base/errors.ts";
import { type AttachmentInput, MAX_FILE_BYTES } from "../../../src/notification/notification.ts";

/** Runs a test in a new folder, and removes the folder. */
function inFolder(body: (folder: string) => void) {
  const folder = Deno.makeTempDirSync();
  try {
    body(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** Returns the error message for refused files. */
function problem(...inputs: AttachmentInput[]): string {
  return assertThrows(() => openSources(inputs), InvalidNotificationError).message;
}

Deno.test("openSources() reads a file of several chunks", () => {
  inFolder((folder) => {
    const bytes = Uint8Array.from({ length: 600_000 }, (_, at) => at % 251);
    Deno.writeFileSync(`${folder}/data.bin`, bytes);
    for (const input of [{ path: `${folder}/data.bin` }, { bytes, name: "data.bin" }]) {
      const [source] = openSources([input]);
      using file = source;
      assertEquals([file.name, file.type, file.size], ["data.bin", "application/octet-stream", bytes.length]);
      const read = [...file.chunks()].flatMap((chunk) => [...chunk]);
      assertEquals(read.length === bytes.length && read.every((byte, at) => byte === bytes[at]), true);
    }
  });
});

Deno.test("openSources() refuses missing, empty and special files, and says why", () => {
  inFolder((folder) => {
    Deno.writeTextFileSync(`${folder}/empty`, "");
    new Deno.Command("mkfifo", { args: [`${folder}/pipe`] }).outputSync();
    Deno.symlinkSync(`${folder}/loop`, `${folder}/loop`);
    const problems = ["none", ".", "empty", "pipe", "loop"].map((name) => problem({ path: `${folder}/${name}` }));
    assertEquals(problems.map((text) => text.replaceAll(folder, "DIR")), [
      "Cannot attach DIR/none: there is no such file",
      "Cannot attach DIR/.: it is a directory",
      "Cannot attach DIR/empty: it is empty",
      "Cannot attach DIR/pipe: it is a device, a pipe or a socket, not a file",
      "Cannot attach DIR/loop: it cannot be read",
    ]);
    assertEquals(
      problem({ path: "/dev/null" }),
      "Cannot attach /dev/null: it is a device, a pipe or a socket, not a file",
    );
    assertEquals(problem({}), "Cannot attach a file: it needs either a path or bytes");
    assertEquals(problem(...Array(11).fill({ bytes: Uint8Array.of(1) })), "Cannot attach 11 files: the limit is 10");
  });
});

Deno.test("openSources() refuses a file that is too large, also when it grows while it is read", () => {
  inFolder((folder) => {
    using large = Deno.openSync(`${folder}/large`, { write: true, create: true });
    large.truncateSync(MAX_FILE_BYTES + 1);
    assertEquals(problem({ path: `${folder}/large` }), `Cannot attach ${folder}/large: it is larger than 32.0 MiB`);
    large.truncateSync(MAX_FILE_BYTES);
    const [source] = openSources([{ path: `${folder}/large` }]);
    using file = source;
    large.truncateSync(MAX_FILE_BYTES + 1);
    assertThrows(() => [...file.chunks()], InvalidNotificationError, "it is larger than 32.0 MiB");
  });
});

Deno.test("openSources() takes name and type from its caller if they are valid", () => {
  const [said, nonsense] = openSources([
    { bytes: Uint8Array.of(1), name: "a/b.bin", type: "application/x-own" },
    { bytes: Uint8Array.of(1), type: "a\r\nb/c" },
  ]);
  assertEquals([said.name, said.type, nonsense.name, nonsense.type], [
    ...["b.bin", "application/x-own", "unnamed", "application/octet-stream"],
  ]);
});

Deno.test("safeFileName() removes folders from a path", () => {
  assertEquals(safeFileName("/var/log/Übersicht 1.csv"), "Übersicht 1.csv");
  assertEquals(safeFileName("../../etc/passwd"), "passwd");
  assertEquals(safeFileName("C:\\Reports\\a.txt"), "a.txt");
  assertEquals(safeFileName("folder/"), "folder");
  for (const none of ["", "/", "..", "a/..", " ", "\0"]) assertEquals(safeFileName(none), "unnamed");
});

Deno.test("safeFileName() removes invisible characters and changes of text direction", () => {
  assertEquals(safeFileName("a\r\nb\u202egpj.exe"), "a b gpj.exe");
  assertEquals(safeFileName("a\ud800.txt"), "a\ufffd.txt");
});

Deno.test("safeFileName() shortens a long name and keeps its extension", () => {
  const name = safeFileName("ä".repeat(500) + ".tar");
  assert(name.endsWith("ä….tar"));
  assert(new TextEncoder().encode(name).length <= 200);
});
