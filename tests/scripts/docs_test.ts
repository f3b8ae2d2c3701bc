import { assertEquals } from "@std/assert";
import { generatePages } from "../../scripts/docs.ts";

Deno.test("generatePages() returns what is in docs/: if not, run deno task docs", async () => {
  for (const [url, text] of await generatePages()) {
    assertEquals(await Deno.readTextFile(url), text, url.pathname);
  }
});
