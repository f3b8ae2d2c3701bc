import { assert, assertEquals, assertThrows } from "@std/assert";
import { type FileSource, openSources, safeFileName } from "../../../src/notification/attachments/source.ts";
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

/** Opens files that must all be usable. */
function open(...inputs: AttachmentInput[]): FileSource[] {
  return openSources(inputs, (problem) => {
    throw new Error(problem);
  });
}

/** Returns the problems of files, and checks that all other files are opened. */
function problems(...inputs: AttachmentInput[]): string[] {
  const problems: string[] = [];
  const sources = openSources(inputs, (problem) => problems.push(problem));
  for (const source of sources) source[Symbol.dispose]();
  assertEquals(sources.length + problems.length, inputs.length);
  return problems;
}

Deno.test("openSources() reads a file of several chunks", () => {
  inFolder((folder) => {
    const bytes = Uint8Array.from({ length: 600_000 }, (_, at) => at % 251);
    Deno.writeFileSync(`${folder}/data.bin`, bytes);
    for (const input of [{ path: `${folder}/data.bin` }, { bytes, name: "data.bin" }]) {
      const [source] = open(input);
      using file = source;
      assertEquals([file.name, file.type, file.size], ["data.bin", "application/octet-stream", bytes.length]);
      const read = [...file.chunks()].flatMap((chunk) => [...chunk]);
      assertEquals(read.length === bytes.length && read.every((byte, at) => byte === bytes[at]), true);
    }
  });
});

Deno.test("openSources() leaves out missing, empty and special files, and says why", () => {
  inFolder((folder) => {
    Deno.writeTextFileSync(`${folder}/empty`, "");
    Deno.writeTextFileSync(`${folder}/good`, "x");
    new Deno.Command("mkfifo", { args: [`${folder}/pipe`] }).outputSync();
    Deno.symlinkSync(`${folder}/loop`, `${folder}/loop`);
    const paths = ["none", "good", ".", "empty", "pipe", "loop", "good/x"].map((name) => ({
      path: `${folder}/${name}`,
    }));
    assertEquals(problems(...paths).map((text) => text.replaceAll(folder, "DIR")), [
      "Cannot attach DIR/none: there is no such file",
      "Cannot attach DIR/.: it is a directory, and only files can be attached",
      "Cannot attach DIR/empty: it is empty",
      "Cannot attach DIR/pipe: it is a device, a pipe or a socket, not a file",
      "Cannot attach DIR/loop: too many levels of symbolic links",
      "Cannot attach DIR/good/x: a part of the path is not a directory",
    ]);
    assertEquals(problems({ path: "/dev/null" }), [
      "Cannot attach /dev/null: it is a device, a pipe or a socket, not a file",
    ]);
    assertEquals(
      problems({}, { path: "" }),
      [
        "Cannot attach a file without a name: it has neither a path nor bytes",
        "Cannot attach a file without a name: its path is empty",
      ],
    );
  });
});

Deno.test("openSources() leaves out the files after the tenth that can be attached", () => {
  const files = Array.from({ length: 13 }, (_, at) => ({ bytes: new Uint8Array(at === 3 ? 0 : 1), name: `${at}.log` }));
  assertEquals(problems(...files), [
    "Cannot attach 3.log: it is empty",
    "Cannot attach 11.log: the limit is 10 files",
    "Cannot attach 12.log: the limit is 10 files",
  ]);
});

Deno.test("openSources() leaves out a file that is too large, also when it grows while it is read", () => {
  inFolder((folder) => {
    using large = Deno.openSync(`${folder}/large`, { write: true, create: true });
    large.truncateSync(MAX_FILE_BYTES + 1);
    assertEquals(problems({ path: `${folder}/large` }), [
      `Cannot attach ${folder}/large: it is larger than 32 MiB`,
    ]);
    large.truncateSync(MAX_FILE_BYTES);
    const [source] = open({ path: `${folder}/large` });
    using file = source;
    large.truncateSync(MAX_FILE_BYTES + 1);
    assertThrows(() => [...file.chunks()], InvalidNotificationError, "it is larger than 32 MiB");
  });
});

Deno.test("openSources() takes name and type from its caller if they are valid", () => {
  const [said, nonsense] = open(
    { bytes: Uint8Array.of(1), name: "a/b.bin", type: "application/x-own" },
    { bytes: Uint8Array.of(1), type: "a\r\nb/c" },
  );
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
