import { assertEquals } from "@std/assert";
import { duplicateKey } from "../../src/config/file.ts";

Deno.test("duplicateKey() names a key that appears twice in one object, and ignores other keys", () => {
  const cases: readonly (readonly [json: string, key: string | undefined])[] = [
    ["{}", undefined],
    ['{"a": {"a": 1}, "b": {"a": 1}}', undefined],
    ['{"a": [{"x": 1}, {"x": 2}], "x": ["x", "x"]}', undefined],
    ['{"a": "\\"b\\": {", "b": "a", "c": "a"}', undefined],
    ['{"a": 1, "b": 2, "a": 3}', "a"],
    ['{"a": 1, "\\u0061": 2}', "a"],
    ['{"channels": {"matrix": {}, "ntfy": {"k": 1}, "matrix": {}}}', "channels.matrix"],
    ['{"channels": {"hook": {"body": [1, {"t": 1, "t": 2}]}}}', "channels.hook.body.t"],
  ];
  for (const [json, key] of cases) assertEquals(duplicateKey(json), key, json);
});
