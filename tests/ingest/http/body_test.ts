import { assertEquals } from "@std/assert";
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
