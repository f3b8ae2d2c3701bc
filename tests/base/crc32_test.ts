import { assertEquals } from "@std/assert";
import { crc32 } from "../../src/base/crc32.ts";

Deno.test("crc32() agrees with the published check value and with zlib's", () => {
  const of = (text: string) => crc32(new TextEncoder().encode(text));
  assertEquals(of("123456789"), "cbf43926");
  assertEquals(of(""), "00000000");
  assertEquals(of("The quick brown fox jumps over the lazy dog"), "414fa339");
});

/** The polynomial division of the standard, one bit a step. */
function bitwise(bytes: Uint8Array): string {
  let value = 0xffffffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return ((value ^ 0xffffffff) >>> 0).toString(16).padStart(8, "0");
}

Deno.test("crc32() agrees with the division bit by bit, for each length and alignment", () => {
  const bytes = Uint8Array.from({ length: 1024 }, (_, at) => at * at * 31 + (at >> 3) & 0xff);
  for (let length = 0; length < 300; length++) {
    const part = bytes.subarray(length % 9, length % 9 + length);
    assertEquals(crc32(part), bitwise(part), `${length} bytes`);
  }
});
