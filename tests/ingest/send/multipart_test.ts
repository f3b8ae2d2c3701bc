import { assertEquals, assertThrows } from "@std/assert";
import { readFormParts } from "../../../src/ingest/send/multipart.ts";

const TYPE = "multipart/form-data; boundary=x";

/** Reads a form, whose characters are bytes. */
function read(text: string, type: string = TYPE) {
  const body = Uint8Array.from(text, (character) => character.charCodeAt(0));
  return [...readFormParts(body, type)].map(({ bytes, ...part }) => ({ ...part, text: String.fromCharCode(...bytes) }));
}

/** Writes a part of a form. */
function part(disposition: string, content: string, type = ""): string {
  const head = `Content-Disposition: form-data; ${disposition}${type === "" ? "" : `\r\ncontent-type: ${type}`}`;
  return `--x\r\n${head}\r\n\r\n${content}\r\n`;
}

Deno.test("readFormParts() reads values and files, byte for byte", () => {
  const content = "\r\n--y\r\n--\0\xff\r\n\r\n";
  const form = `${part('name="subject"', "Disk full")}${
    part('name="attach"; filename="a b.png"', content, "image/PNG")
  }`;
  assertEquals(read(`${form}--x--\r\n`), [
    { name: "subject", fileName: undefined, type: "", text: "Disk full" },
    { name: "attach", fileName: "a b.png", type: "image/png", text: content },
  ]);
});

Deno.test("readFormParts() skips a text before the first delimiter and after the last one", () => {
  assertEquals(read(`hello\r\n${part("name=a", "1")}--x--\r\nbye`).map(({ name, text }) => [name, text]), [["a", "1"]]);
  assertEquals(read("--x--"), []);
});

Deno.test("readFormParts() reads an empty value, and a boundary in quotes", () => {
  assertEquals(read(`${part('name="a"', "")}--x--`).map(({ text }) => text), [""]);
  const quoted = `--a b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--a b--`;
  assertEquals(read(quoted, 'multipart/form-data; charset=utf-8; boundary="a b"').map(({ text }) => text), ["1"]);
});

for (
  const [disposition, fileName] of [
    ['name="a"; filename="x%22y%0D%0Az%20.txt"', 'x"y\r\nz%20.txt'],
    ['name="a"; filename="x\\"y\\\\z.txt"', 'x"y\\z.txt'],
    ['filename="n; name=b"; name="a"', "n; name=b"],
    ["name=a; filename=x.txt", "x.txt"],
    ['name="a"; filename="\xc3\xbc.txt"', "ü.txt"],
  ]
) {
  Deno.test(`readFormParts() reads the file name of ${JSON.stringify(disposition)}`, () => {
    const [{ name, fileName: read_ }] = read(`${part(disposition, "1")}--x--`);
    assertEquals([name, read_], ["a", fileName]);
  });
}

Deno.test("readFormParts() finds delimiters at the borders of the windows that it searches", () => {
  const head = part('name="attach"; filename="a"', "").length - 2;
  for (let shift = -12; shift <= 12; shift++) {
    const content = "-".repeat(2 ** 20 - head + shift);
    const form = `${part('name="attach"; filename="a"', content)}${part('name="b"', "1")}--x--`;
    const body = new TextEncoder().encode(form);
    assertEquals([...readFormParts(body, TYPE)].map(({ bytes }) => bytes.length), [content.length, 1]);
  }
});

Deno.test("readFormParts() returns views of the body", () => {
  const body = new TextEncoder().encode(`${part('name="a"', "1")}--x--`);
  const [{ bytes }] = readFormParts(body, TYPE);
  assertEquals(bytes.buffer, body.buffer);
});

for (
  const [form, type] of [
    ["", TYPE],
    ["--x", TYPE],
    [part('name="a"', "1"), TYPE],
    ["--x\r\nContent-Disposition: form-data; name=a\r\n", TYPE],
    ["--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--", TYPE],
    [`--x\r\nX: ${"y".repeat(20_000)}\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--`, TYPE],
    [`${part("name=a", "1")}--x--`, "multipart/form-data"],
    [`${part("name=a", "1")}--x--`, `multipart/form-data; boundary=${"x".repeat(71)}`],
  ]
) {
  Deno.test(`readFormParts() refuses ${JSON.stringify(form.slice(0, 60))} with ${type.slice(0, 60)}`, () => {
    assertThrows(() => read(form, type), SyntaxError);
  });
}
