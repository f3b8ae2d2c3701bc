import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { byteLength, cutEnds, cutLine, cutToBytes, cutToFit } from "../../src/notification/cut.ts";

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
  const first = 1000 - tail.length;
  assertEquals(tail, Array.from({ length: tail.length }, (_, at) => `line ${first + at}`), "no line is cut");
});

Deno.test("cutToBytes() keeps the beginning and the end in whole lines, and says how much is missing", () => {
  assertEquals(cutToBytes("abc", 3), "abc");
  const lines = Array.from({ length: 100 }, (_, at) => `line ${at}`).join("\n");
  assertEquals(
    cutToBytes(lines, 90),
    "line 0\nline 1\nline 2\n✂ Cut here: 754 of 789 bytes are missing\nline 98\nline 99",
  );
});

Deno.test("cutToBytes() does not cut within a character, for each size", () => {
  for (const character of ["a", "ä", "€", "😀", "\n"]) {
    const text = character.repeat(300);
    for (let size = 60; size < 110; size++) {
      const cut = cutToBytes(text, size);
      assert(cut.isWellFormed() && !cut.includes("\ufffd") && byteLength(cut) <= size, `${character} ${size}`);
    }
  }
});

Deno.test("cutToBytes() fills the limit if the text is one long line", () => {
  const cut = cutToBytes("x".repeat(10_000), 1000);
  assert(byteLength(cut) >= 990, `${byteLength(cut)}`);
});

Deno.test("cutEnds() joins the ends of a text whose middle was not read", () => {
  assertEquals(
    cutEnds({ beginning: "a\nb", end: "y\nz", total: 1000 }, 100),
    "a\n✂ Cut here: 998 of 1000 bytes are missing\nz",
  );
});

Deno.test("cutLine() ends a cut line with an ellipsis", () => {
  assertEquals([cutLine("abc", 3), cutLine("äöü", 5), cutLine("abc", 2)], ["abc", "ä…", ""]);
});

Deno.test("byteLength() counts the bytes of a long text, also where a character is on the edge of a piece", () => {
  for (const character of ["a", "ä", "€", "😀", "\ud83d", "\ude00"]) {
    for (const before of ["", "x", "xy"]) {
      const text = before + character.repeat(150_000);
      assertEquals(byteLength(text), new TextEncoder().encode(text).length, `${before}${character}`);
    }
  }
});

Deno.test("cutToFit() does not say that a file has the whole text if the text was already cut", () => {
  const cut = (message: string) =>
    cutToFit(message, { fits: (text) => text.length <= 200, maxUnits: 200, fileName: "output.txt" });
  assertStringIncludes(cut("line\n".repeat(100)), "; output.txt has the whole text\n");
  assertStringIncludes(cut(cutToBytes("line\n".repeat(200), 800)), "; output.txt has more of the text\n");
});
