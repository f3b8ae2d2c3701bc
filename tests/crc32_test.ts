import { assertEquals } from "@std/assert";
import { crc32 } from "../src/crc32.ts";

Deno.test("crc32() agrees with the published check value and with zlib's", () => {
  const of = (text: string) => crc32(new TextEncoder().encode(text));
  assertEquals(of("123456789"), "cbf43926");
  assertEquals(of(""), "00000000");
  assertEquals(of("The quick brown fox jumps over the lazy dog"), "414fa339");
});
