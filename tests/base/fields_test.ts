import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../../src/base/errors.ts";
import { Fields, parseJsonObject } from "../../src/base/fields.ts";

Deno.test("parseJsonObject() parses objects, and nothing else", () => {
  assertEquals(parseJsonObject('{"a":[1]}'), { a: [1] });
  for (const text of ["", "[]", "null", "1", "{", '{"a":}']) assertEquals(parseJsonObject(text), undefined, text);
});

Deno.test("parseJsonObject() rejects an object that is nested too deeply", () => {
  const nested = (depth: number) => `{"a":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`;
  assertEquals(parseJsonObject(nested(100)) !== undefined, true);
  for (const depth of [101, 500_000]) assertEquals(parseJsonObject(nested(depth)), undefined, String(depth));
});

Deno.test("Fields.end() names an unknown key that an object inherits", () => {
  const fields = new Fields(JSON.parse('{"constructor":1}'), "channels.ntfy");
  assertThrows(() => fields.end(), ConfigError, "Cannot use channels.ntfy.constructor: there is no such key");
});

Deno.test("Fields.value() returns undefined for a key that an object inherits", () => {
  assertEquals(new Fields({}, "").value("constructor"), undefined);
});
