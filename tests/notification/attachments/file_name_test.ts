import { assert, assertEquals } from "@std/assert";
import { safeFileName } from "../../../src/notification/attachments/file_name.ts";

Deno.test("safeFileName() leaves a name, and nothing of a path", () => {
  assertEquals(safeFileName("/var/log/Übersicht 1.csv"), "Übersicht 1.csv");
  assertEquals(safeFileName("../../etc/passwd"), "passwd");
  assertEquals(safeFileName("C:\\Reports\\a.txt"), "a.txt");
  assertEquals(safeFileName("folder/"), "folder");
  for (const none of ["", "/", "..", "a/..", " ", "\0"]) assertEquals(safeFileName(none), "unnamed");
});

Deno.test("safeFileName() leaves nothing that cannot be seen, or that turns what follows it", () => {
  assertEquals(safeFileName("a\r\nb\u202egpj.exe"), "a b gpj.exe");
  assertEquals(safeFileName("a\ud800.txt"), "a\ufffd.txt");
});

Deno.test("safeFileName() shortens what is too long, and keeps its ending", () => {
  const name = safeFileName("ä".repeat(500) + ".tar");
  assert(name.endsWith("ä….tar"));
  assert(new TextEncoder().encode(name).length <= 200);
});
