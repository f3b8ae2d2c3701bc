import { assertEquals } from "@std/assert";
import { parseJsonObject } from "../../src/base/fields.ts";

Deno.test("parseJsonObject() parses objects, and nothing else", () => {
  assertEquals(parseJsonObject('{"a":[1]}'), { a: [1] });
  for (const text of ["", "[]", "null", "1", "{", '{"a":}']) assertEquals(parseJsonObject(text), undefined, text);
});

Deno.test("parseJsonObject() rejects an object that is nested too deeply", () => {
  const nested = (depth: number) => `{"a":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`;
  assertEquals(parseJsonObject(nested(100)) !== undefined, true);
  for (const depth of [101, 500_000]) assertEquals(parseJsonObject(nested(depth)), undefined, String(depth));
});
