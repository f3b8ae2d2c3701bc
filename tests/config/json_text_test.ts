import { assertEquals, assertThrows } from "@std/assert";
import { JsonSyntaxError, readJsonText } from "../../src/config/json_text.ts";

Deno.test("readJsonText() finds the keys that appear twice in one object, and ignores other keys", () => {
  const cases: readonly (readonly [json: string, repeated: readonly (readonly [path: string, line: number])[]])[] = [
    ["{}", []],
    ['{"a": {"a": 1}, "b": {"a": 1}}', []],
    ['{"a": [{"x": 1}, {"x": 2}], "x": ["x", "x"]}', []],
    ['{"a": "\\"b\\": {", "b": "a", "c": "a"}', []],
    ['{"a": 1,\n "b": 2,\n "a": 3}', [["a", 3]]],
    ['{"a": 1, "\\u0061": 2}', [["a", 1]]],
    ['{"channels": {"matrix": {},\n"ntfy": {"k": 1, "k": 2},\n"matrix": {}}}', [["channels.ntfy.k", 2], [
      "channels.matrix",
      3,
    ]]],
    ['{"channels": {"hook": {"body": [1, {"t": 1, "t": 2}]}}}', [["channels.hook.body[1].t", 1]]],
  ];
  for (const [json, repeated] of cases) {
    assertEquals(readJsonText(json).repeated.map(({ path, line }) => [path, line] as const), repeated, json);
  }
});

Deno.test("readJsonText() returns the line of each value", () => {
  const { lines } = readJsonText(
    '{\n  "channels":\n  {\n    "a": 1 },\n  "routes": [ {},\n    { "when":\n {} } ]\n}\n',
  );
  assertEquals(Object.fromEntries(lines), {
    "": 1,
    "channels": 2,
    "channels.a": 4,
    "routes": 5,
    "routes[0]": 5,
    "routes[1]": 6,
    "routes[1].when": 6,
  });
});

Deno.test("readJsonText() names the line and the reason of a syntax error, and hides values", () => {
  const cases: readonly (readonly [json: string, line: number, reason: string, lineText: string])[] = [
    ['{"a": 1\n "b": 2}', 1, "a comma is missing", '{"a": 1'],
    ['{\n"a": 1,\n}', 2, "a comma must not be before }", '"a": 1,'],
    ['{\n  "token": "s3cr3t,\n "b": 1}', 2, 'a closing " is missing', '"token": "…"'],
    ['{"token": s3cr3t}', 1, "a value is not valid; texts need double quotes", '{"token": …}'],
    ["{'token': 's3cr3t x'}", 1, "a name in double quotes is expected", "{…: … …}"],
    ['{"token" "s3cr3t"}', 1, "a colon is missing after a name", '{"…" "…"}'],
    ['{"a": }', 1, "a value is missing", '{"a": }'],
    ['{"a": [1, 2}', 1, "the } does not match its opening bracket", '{"a": [1, 2}'],
    ['{"a": 1}}', 1, "there is text after the end of the configuration", '{"a": 1}}'],
    ['{"a":\n{"b": 1\n', 2, "the { of this line is not closed", '{"b": 1'],
    ['{"a": 1, // note\n"b": 1}', 1, "comments are not allowed", '{"a": 1, … …'],
    ['{"a": 1 /* note */}', 1, "comments are not allowed", '{"a": 1 … … …}'],
    [
      '{"a": "C:\\x"}',
      1,
      "a text contains a control character or a \\ that does not begin an escape; write \\ as \\\\",
      '{"a": "…"}',
    ],
    ['{"a":', 1, "the file ends too early", '{"a":'],
    ["\n \n", 3, "the file is empty", ""],
  ];
  for (const [json, line, reason, lineText] of cases) {
    const error = assertThrows(() => readJsonText(json), JsonSyntaxError);
    assertEquals([error.line, error.message, error.lineText], [line, reason, lineText], json);
  }
});

Deno.test("readJsonText() accepts exactly the texts that JSON.parse accepts", () => {
  let seed = 1;
  // A linear congruential generator, so that a failure can be repeated.
  const random = () => (seed = (seed * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
  const parts = [
    ...["{", "}", "[", "]", ",", ":", '"a"', '"b"', "1", "-0.5e3", "01", "true", "tru", "null", " ", "\n"],
    ...['"', "\\", "\\n", "\u2028", "\x01", "\x7f", "é", "😀", '"\\u00e9"', '"\\x"', "//", "'"],
  ];
  const accepts = (read: () => unknown) => {
    try {
      read();
      return true;
    } catch (error) {
      if (!(error instanceof SyntaxError) && !(error instanceof JsonSyntaxError)) throw error;
      return false;
    }
  };
  for (let count = 0; count < 20_000; count++) {
    const text = Array.from({ length: 1 + Math.floor(random() * 9) }, () => parts[Math.floor(random() * parts.length)])
      .join("");
    assertEquals(accepts(() => readJsonText(text)), accepts(() => JSON.parse(text)), text);
  }
});

Deno.test("readJsonText() refuses values that are nested too deeply", () => {
  const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
  readJsonText(nested(100));
  for (const text of [nested(101), "[".repeat(1_000_000), '{"a":'.repeat(1_000_000)]) {
    assertThrows(() => readJsonText(text), JsonSyntaxError, "values are nested deeper than 100 levels");
  }
});
