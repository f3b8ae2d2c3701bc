import { assertEquals } from "@std/assert";
import { readImageSize } from "../../../src/notification/attachments/image_size.ts";
import { detectMediaType } from "../../../src/notification/attachments/media_type.ts";
import { IMAGES } from "./images.ts";

Deno.test("readImageSize() and detectMediaType() read real images and ignore their names", () => {
  const seen = IMAGES.map(([what, , base64]) => {
    const bytes = Uint8Array.fromBase64(base64);
    const type = detectMediaType(bytes, "report.pdf");
    return [what, type, readImageSize(bytes, type)];
  });
  const size = { width: 37, height: 23 };
  assertEquals(
    seen,
    IMAGES.map(([what, type]) => [what, type, /rotated/.test(what) ? { width: 23, height: 37 } : size]),
  );
});

Deno.test("readImageSize() throws for no truncated image and for no wrong byte", () => {
  for (const [what, type, base64] of IMAGES) {
    const bytes = Uint8Array.fromBase64(base64);
    for (let at = 0; at < bytes.length; at++) {
      for (const value of [0, 0xff]) {
        const wrong = bytes.slice();
        wrong[at] = value;
        for (const damaged of [bytes.subarray(0, at), wrong]) {
          const { width, height } = readImageSize(damaged, type) ?? { width: 1, height: 1 };
          assertEquals([width > 0, height > 0], [true, true], `${what}, byte ${at}`);
        }
      }
    }
  }
});

Deno.test("readImageSize() returns undefined for other types", () => {
  assertEquals(readImageSize(new TextEncoder().encode("x".repeat(99)), "image/svg+xml"), undefined);
  assertEquals(readImageSize(new TextEncoder().encode("x".repeat(99)), "image/jpeg"), undefined);
});
