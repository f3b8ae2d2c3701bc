import { assert, assertEquals } from "@std/assert";
import { OutputTail } from "../../src/cli/supervise.ts";

function tailOf(...parts: string[]): string {
  const tail = new OutputTail();
  for (const part of parts) tail.push(new TextEncoder().encode(part));
  return tail.toString();
}

Deno.test("OutputTail stores a short output completely", () => {
  assertEquals(tailOf("one\n", "tw", "o\r\n\n"), "one\ntwo");
  assertEquals(tailOf(), "");
});

Deno.test("OutputTail stores the last 50 lines, and adds a line about the missing lines", () => {
  const lines = Array.from({ length: 60 }, (_, i) => `line ${i}`);
  assertEquals(tailOf(lines.join("\n")), ["✂ Only the end of the output:", ...lines.slice(10)].join("\n"));
});

Deno.test("OutputTail stores the last 8 KiB of a long line, and removes an incomplete character", () => {
  const tail = tailOf(...Array.from({ length: 2000 }, () => "ä€😀"));
  assert(tail.startsWith("✂ Only the end of the output:\n"));
  assert(!tail.includes("\ufffd") && tail.endsWith("ä€😀"));
  assert(new TextEncoder().encode(tail).length < 8300);
});

Deno.test("OutputTail shows the last state of a progress bar, and no colours", () => {
  assertEquals(tailOf("10 %\r50 %\r100 %\n\x1b[31mred\x1b[0m \x1b]0;title\x07plain\n"), "100 %\nred plain");
});
