import { assertEquals } from "@std/assert";
import { play } from "./transcript.ts";

const FOLDER = new URL("./transcripts/", import.meta.url);

for (const { name } of Deno.readDirSync(FOLDER)) {
  Deno.test(`main() prints the output in transcripts/${name}`, async () => {
    const { expected, actual } = await play(Deno.readTextFileSync(new URL(name, FOLDER)));
    assertEquals(actual, expected);
  });
}
