import { assert, assertEquals } from "@std/assert";
import { byteLength, cutToFit } from "../../src/notification/cut.ts";

/** Cuts a message to a number of UTF-8 bytes. */
const cutTo = (maxBytes: number, message: string, keepsEnd = false) =>
  cutToFit(message, { fits: (text) => byteLength(text) <= maxBytes, maxUnits: maxBytes, keepsEnd });

Deno.test("cutToFit() keeps a message that fits", () => {
  assertEquals(cutTo(3, "abc"), "abc");
});

Deno.test("cutToFit() keeps the beginning and the end, cuts between characters, and says how much is missing", () => {
  const message = "😀".repeat(500) + "x" + "ä".repeat(500);
  const cut = cutTo(500, message);
  assert(cut.isWellFormed());
  const [head, note, tail] = cut.split("\n");
  assert(/^😀+$/u.test(head) && /^ä+$/.test(tail));
  const kept = byteLength(head) + byteLength(tail);
  assertEquals(note, `✂ Cut here: ${3001 - kept} of 3001 bytes are missing`);
  assert(byteLength(cut) <= 500 && byteLength(cut) > 490, `${byteLength(cut)}`);
});

Deno.test("cutToFit() keeps only the end of a program's output", () => {
  const [note, ...tail] = cutTo(500, Array.from({ length: 1000 }, (_, at) => `line ${at}`).join("\n"), true).split(
    "\n",
  );
  assert(note.startsWith("✂ "));
  assertEquals(tail.slice(-2), ["line 998", "line 999"]);
});
