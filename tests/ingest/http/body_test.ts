import { assert, assertEquals } from "@std/assert";
import { readFormParts } from "../../../src/ingest/http/body.ts";

/** Reads a form with the boundary `x`. Each character of the text is a byte. */
function read(text: string) {
  const body = Uint8Array.from(text, (character) => character.charCodeAt(0));
  return readFormParts("multipart/form-data; boundary=x", body)
    .map(({ bytes, ...part }) => ({ ...part, text: String.fromCharCode(...bytes) }));
}

/** Writes a part of a form. */
function part(disposition: string, content: string, type = ""): string {
  const head = `Content-Disposition: form-data; ${disposition}${type === "" ? "" : `\r\ncontent-type: ${type}`}`;
  return `--x\r\n${head}\r\n\r\n${content}\r\n`;
}

Deno.test("readFormParts() reads values and files, byte for byte", () => {
  const content = "\r\n--y\r\n--\0\xff\r\n--xy\n\r\n\n";
  const file = part('name="attach"; filename="a b.png"', content, "image/PNG");
  assertEquals(read(`${part('name="subject"', "Disk full")}${file}${part('name="key"', "")}--x--\r\n`), [
    { name: "subject", fileName: undefined, type: undefined, text: "Disk full" },
    { name: "attach", fileName: "a b.png", type: "image/png", text: content },
    { name: "key", fileName: undefined, type: undefined, text: "" },
  ]);
  assertEquals(read("Disk full"), []);
});

for (
  const [disposition, fileName] of [
    ['name="a"; filename="x%22y%0D%0Az%20.txt"', 'x"y\r\nz%20.txt'],
    ['name="a"; filename="x\\"y\\\\z.txt"', 'x"y\\z.txt'],
    ['filename="n; name=b"; name="a"', "n; name=b"],
    ["name=a; filename=x.txt", "x.txt"],
    ['name="a"; filename="\xc3\xbc.txt"', "ü.txt"],
    [`name="a"; filename="u.txt"; filename*=UTF-8''%C3%BC.txt`, "ü.txt"],
  ]
) {
  Deno.test(`readFormParts() reads the file name of ${JSON.stringify(disposition)}`, () => {
    const [first] = read(`${part(disposition, "1")}--x--`);
    assertEquals([first.name, first.fileName], ["a", fileName]);
  });
}

Deno.test("readFormParts() returns views of the body", () => {
  const body = new TextEncoder().encode(`${part('name="a"', "1")}--x--`);
  const [{ bytes }] = readFormParts("multipart/form-data; boundary=x", body);
  assertEquals(bytes.buffer, body.buffer);
});

Deno.test("readFormParts() finds a delimiter at each position of a large body", () => {
  const head = part('name="attach"; filename="a"', "").length - 2;
  for (let shift = -8; shift <= 8; shift++) {
    const content = "-".repeat(256 * 1024 - head + shift);
    const form = `${part('name="attach"; filename="a"', content)}${part('name="b"', "1")}--x--`;
    const parts = readFormParts("multipart/form-data; boundary=x", new TextEncoder().encode(form));
    assertEquals(parts.map(({ bytes }) => bytes.length), [content.length, 1]);
  }
});

Deno.test("readFormParts() converts no large file to a text", () => {
  const body = new TextEncoder().encode(`${part('name="a"; filename="a"', "\xff".repeat(2 ** 20))}--x--`);
  const { decode } = TextDecoder.prototype;
  let longest = 0;
  TextDecoder.prototype.decode = function (bytes, options) {
    longest = Math.max(longest, bytes?.byteLength ?? 0);
    return decode.call(this, bytes, options);
  };
  try {
    readFormParts("multipart/form-data; boundary=x", body);
  } finally {
    TextDecoder.prototype.decode = decode;
  }
  assert(longest < 300 * 1024, `a text of ${longest} bytes`);
});
