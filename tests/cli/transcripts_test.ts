import { assertEquals } from "@std/assert";
import { play } from "./transcript.ts";

const FOLDER = new URL("./transcripts/", import.meta.url);

for (const { name } of Deno.readDirSync(FOLDER)) {
  Deno.test(`main() does what transcripts/${name} shows`, async () => {
    const { expected, actual } = await play(Deno.readTextFileSync(new URL(name, FOLDER)));
    assertEquals(actual, expected);
  });
}
