import { assertEquals } from "@std/assert";
import { decodeCharset } from "../../../src/ingest/mail/charset.ts";

const UTF8 = new TextEncoder().encode("Größe 5 €");
const LATIN1 = Uint8Array.from("Größe 5 \x80", (character) => character.charCodeAt(0));

Deno.test("decodeCharset() detects UTF-8 when the charset is that of a wrong locale, unknown or missing", () => {
  const names = [
    "US-ASCII",
    "ANSI_X3.4-1968",
    "646",
    "ISO646-US",
    "ascii",
    "unknown-8bit",
    "x-unknown",
    "8bit",
    "utf8mb4",
    "",
  ];
  for (const name of [...names, "utf-8", "UTF8", "ISO-8859-1", "iso-8859-15", "windows-1252", "KOI8-R"]) {
    assertEquals(decodeCharset(UTF8, name), "Größe 5 €", name);
  }
  for (const name of [...names, "utf-8", "ISO-8859-1", "latin-1", "cp-1252", "windows1252", "x-cp1252"]) {
    assertEquals(decodeCharset(LATIN1, name).slice(0, 8), "Größe 5 ", name);
  }
  assertEquals(decodeCharset(LATIN1, "ISO-8859-1"), "Größe 5 €");
  assertEquals(decodeCharset(Uint8Array.of(0xc3, 0xa4, 0xe4, 0x0a), "us-ascii"), "ää\n");
});

Deno.test("decodeCharset() uses the declared charset when it is known", () => {
  assertEquals(decodeCharset(Uint8Array.of(0xcf, 0xdb, 0xc9, 0xc2, 0xcb, 0xc1), "koi8-r"), "ошибка");
  assertEquals(decodeCharset(Uint8Array.of(0xee, 0xf8), "win-1251"), "ош");
  assertEquals(decodeCharset(Uint8Array.of(0xa4), "iso-8859-15"), "€");
  assertEquals(decodeCharset(Uint8Array.of(0xc1, 0xaa, 0xcd, 0xa8), "GB2312"), "联通");
  assertEquals(decodeCharset(Uint8Array.of(0xe4, 0x00, 0x0a, 0x00), "utf-16le"), "ä\n");
});
