import { assertEquals } from "@std/assert";
import { detectMediaType } from "../../../src/notification/attachments/media_type.ts";

/** Detects the type of content that is given as a text with one character for each byte. */
function typeOf(content: string, name: string): string {
  return detectMediaType(Uint8Array.from(content, (character) => character.charCodeAt(0)), name);
}

Deno.test("detectMediaType() trusts the content more than the name", () => {
  assertEquals(typeOf("%PDF-1.7\n", "photo.png"), "application/pdf");
  assertEquals(typeOf("\x1f\x8b\x08\0", "log.txt"), "application/gzip");
  assertEquals(typeOf("\0\0\0\x20ftypisom", "clip"), "video/mp4");
  assertEquals(typeOf("RIFF\0\0\0\0WAVE", "beep"), "audio/wav");
  assertEquals(typeOf("no image", "photo.png"), "text/plain");
});

Deno.test("detectMediaType() takes the kind of text or container from the name", () => {
  assertEquals(typeOf("a;b\n", "table.CSV"), "text/csv");
  assertEquals(typeOf('{"a":1}', "a.json"), "application/json");
  assertEquals(
    typeOf("PK\x03\x04", "a.docx"),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  );
  assertEquals(typeOf("PK\x03\x04", "a.png"), "application/zip");
  assertEquals(typeOf("\0\0\0\x20ftypavif", "a.avif"), "image/avif");
  assertEquals(typeOf("<svg xmlns='…'/>", "a.svg"), "image/svg+xml");
});

Deno.test("detectMediaType() recognises text, even if its last character is incomplete", () => {
  assertEquals(detectMediaType(new TextEncoder().encode("Größe").subarray(0, 3), "log"), "text/plain");
  assertEquals(typeOf("\xff\xfe", "log"), "application/octet-stream");
  assertEquals(typeOf("a\0b", "log"), "application/octet-stream");
  assertEquals(typeOf("a\0b", "log.mp3"), "application/octet-stream");
});
