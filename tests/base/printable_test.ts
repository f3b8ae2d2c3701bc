import { assertEquals } from "@std/assert";
import { firstChars, printable, replaceHidden } from "../../src/base/printable.ts";

Deno.test("printable() replaces every control, format and invisible character with a space", () => {
  const hidden = [
    "\x00",
    "\x07",
    "\x1b",
    "\n",
    "\r",
    "\t",
    "\x7f",
    "\x85",
    "\x9b",
    "\xad",
    "\u034f",
    "\u061c",
    "\u115f",
  ];
  hidden.push(
    "\u180e",
    "\u200b",
    "\u200d",
    "\u200e",
    "\u2028",
    "\u2029",
    "\u202e",
    "\u2060",
    "\u2066",
    "\u2069",
    "\u3164",
  );
  hidden.push("\ufeff", "\ufff9", "\u{1d173}", "\u{e0001}", "\u{e0041}", "\u{e0100}");
  for (const char of hidden) {
    assertEquals(printable(`a${char}b`), "a b", char.codePointAt(0)?.toString(16));
    assertEquals(replaceHidden(`a${char}b`, () => "?"), /[\n\t]/.test(char) ? `a${char}b` : "a?b");
  }
});

Deno.test("printable() keeps letters of every script, and emoji", () => {
  for (const text of ["Plätte voll", "שלום", "ไทย", "नमस्ते", "⚠\ufe0f 🚨 ✅", "日本語", "é"]) {
    assertEquals(printable(text), text);
  }
});

Deno.test("firstChars() cuts a text between two characters", () => {
  const cut = [0, 1, 2, 3, 4, 5].map((maxUnits) => firstChars("ä😀b", maxUnits));
  assertEquals(cut, ["", "ä", "ä", "ä😀", "ä😀b", "ä😀b"]);
});
