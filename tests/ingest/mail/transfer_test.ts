import { assertEquals } from "@std/assert";
import { decodeBase64, decodeQuotedPrintable } from "../../../src/ingest/mail/transfer.ts";

function apply(decode: (bytes: Uint8Array) => Uint8Array, text: string): string {
  return new TextDecoder("latin1").decode(decode(new TextEncoder().encode(text)));
}

Deno.test("decodeBase64() ignores foreign characters, missing padding and a cut end", () => {
  const cases = {
    "QUJD\r\nREVG\n": "ABCDEF",
    "QQ==QkM=": "ABC",
    "QQ": "A",
    "QUJDR": "ABC",
    "Q": "",
    "": "",
    "=": "",
    "-QU-I=": "AB",
  };
  for (const [text, expected] of Object.entries(cases)) assertEquals(apply(decodeBase64, text), expected, text);
});

Deno.test("decodeQuotedPrintable() keeps line breaks and everything that it cannot decode", () => {
  const cases = {
    "a=E4=3d": "aä=",
    "a=\r\nb= \nc\r\nd\n": "abc\r\nd\n",
    "80 = 100 =": "80 = 100 ",
    "=G1=4": "=G1=4",
    "a=b\n": "a=b\n",
  };
  for (const [text, expected] of Object.entries(cases)) {
    assertEquals(apply(decodeQuotedPrintable, text), expected, text);
  }
  assertEquals(apply((bytes) => decodeQuotedPrintable(bytes, "%"), "%C3%\n="), "Ã%\n=");
});
