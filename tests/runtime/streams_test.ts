import { assertEquals } from "@std/assert";
import { EndsBuffer, readEnds } from "../../src/runtime/streams.ts";

Deno.test("readEnds() keeps a short stream, and the beginning and the end of a long stream", async () => {
  for (const chunks of [["abcdefgh"], ["a", "bcd", "efg", "h"], ["abcdefg", "h"], [..."abcdefgh"]]) {
    const read = async (endBytes: number) => {
      const { beginning, end, missing } = await readEnds(
        ReadableStream.from(chunks.map((chunk) => new TextEncoder().encode(chunk))),
        new EndsBuffer(endBytes),
      );
      return [new TextDecoder().decode(beginning), new TextDecoder().decode(end), missing];
    };
    assertEquals(await read(4), ["abcdefgh", "", 0]);
    assertEquals(await read(100), ["abcdefgh", "", 0]);
    assertEquals(await read(3), ["abc", "fgh", 2]);
    assertEquals(await read(1), ["a", "h", 6]);
  }
});

Deno.test("readEnds() says if a single byte is missing", async () => {
  const stream = ReadableStream.from([new TextEncoder().encode("abcdefg")]);
  const { beginning, end, missing } = await readEnds(stream, new EndsBuffer(3));
  assertEquals([beginning, end].map((bytes) => new TextDecoder().decode(bytes)), ["abc", "efg"]);
  assertEquals(missing, 1);
});
