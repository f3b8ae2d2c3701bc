import { assertEquals } from "@std/assert";
import { decodeWords, findHead, parseHeaders, parseStructured } from "../../../src/ingest/mail/headers.ts";

/** Converts each character to one byte. */
function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function parse(head: string): Record<string, string> {
  return Object.fromEntries(parseHeaders(bytes(head)));
}

function parameters(header: string): Record<string, string> {
  return Object.fromEntries(parseStructured(header).parameters);
}

Deno.test("decodeWords() joins a character that two words split", () => {
  assertEquals(decodeWords("=?utf-8?Q?Gr=C3?= =?utf-8?Q?=B6=C3?=\r\n =?UTF-8?Q?=9Fe?="), "Größe");
  assertEquals(decodeWords("=?UTF-8?B?R3LD?= =?UTF-8?B?tsOfZQ==?="), "Größe");
  // The four characters of a base64 group are split.
  assertEquals(decodeWords("=?UTF-8?B?R3LDt?= =?UTF-8?B?sOfZQ==?="), "Größe");
  // Each word has its own padding.
  assertEquals(decodeWords("=?UTF-8?B?R3LDtg==?= =?UTF-8?B?w59l?="), "Größe");
  // mutt writes the shorter encoding of each word.
  assertEquals(decodeWords("=?unknown-8bit?Q?Gr=C3?= =?unknown-8bit?B?tsOfZQ==?="), "Größe");
});

Deno.test("decodeWords() keeps text that is no encoded word, and the white space around words", () => {
  assertEquals(decodeWords("=?UTF-8?Q?=C3=9Cber?= ** PROBLEM ** =?UTF-8?Q?=C3=A4?= x"), "Über ** PROBLEM ** ä x");
  assertEquals(decodeWords("a =?UTF-8?Q?b_c=3D?=d =? e ?= =?UTF-8?X?f?="), "a b c=d =? e ?= =?UTF-8?X?f?=");
  assertEquals(decodeWords("=?UTF-8?Q?a?= =?ISO-8859-1?Q?=E4?="), "aä");
  assertEquals(decodeWords("=?utf-8*de?Q?=C3=A4?="), "ä");
  // These are against the standard: spaces in a word, and no white space between words.
  assertEquals(decodeWords("=?UTF-8?Q?Disk is full?==?UTF-8?Q?_now?="), "Disk is full now");
});

Deno.test("decodeWords() reads the bytes of a wrong charset", () => {
  assertEquals(decodeWords("=?us-ascii?Q?Gr=C3=B6=C3=9Fe?="), "Größe");
  assertEquals(decodeWords("=?ANSI_X3.4-1968?Q?Gr=F6=DFe?="), "Größe");
  assertEquals(decodeWords("=?UTF-8?Q?Gr=F6=DFe?="), "Größe");
});

Deno.test("parseHeaders() reads raw UTF-8, raw Latin-1, and the charset of the body", () => {
  assertEquals(parse("Subject: Gr\xc3\xb6\xc3\x9fe\nFrom: J\xfcrgen <j@example.org>\n"), {
    subject: "Größe",
    from: "Jürgen <j@example.org>",
  });
  const cyrillic = parse("Subject: \xcf\xdb\xc9\xc2\xcb\xc1\nContent-Type: text/plain; charset=koi8-r\n");
  assertEquals(cyrillic.subject, "ошибка");
});

Deno.test("parseHeaders() unfolds values, and uses the first of two headers", () => {
  assertEquals(parse("Subject: a\r\n  b\r\n\tc\r\nX-Y : d\r\nSubject: e\r\n"), { subject: "a  b\tc", "x-y": "d" });
});

Deno.test("findHead() accepts an encoded word over several lines, as the output of base64", () => {
  const title = "Die Sicherung auf dem Server ist fehlgeschlagen: größerer Datenträger nötig";
  const lines = new TextEncoder().encode(title).toBase64().replace(/.{76}/g, "$&\n");
  const head = `Subject: =?UTF-8?B?${lines}?=\nTo: root\n`;
  assertEquals(findHead(`${head}\nText\n`), {
    headEnd: head.length,
    bodyStart: head.length + 1,
    names: new Set(["subject", "to"]),
  });
  assertEquals(decodeWords(parse(head).subject), title);
});

Deno.test("parseStructured() parses parameters with quotes, comments and mistakes", () => {
  assertEquals(parseStructured('Text/Plain (plain); charset="utf-8" (UTF-8); format=flowed').value, "text/plain");
  assertEquals(parameters('a; charset="utf-8" (UTF-8); Format=flowed; charset=x'), {
    charset: "utf-8",
    format: "flowed",
  });
  assertEquals(parameters(String.raw`a; filename="C:\x\"1\".txt"; name=my report (1).csv`), {
    filename: String.raw`C:\x"1".txt`,
    name: "my report.csv",
  });
  assertEquals(parameters("a; boundary=b;; c; =; name==?UTF-8?Q?=C3=A4?="), { boundary: "b", name: "ä" });
});

Deno.test("parseStructured() joins the sections of a parameter", () => {
  assertEquals(parameters("a; filename*=UTF-8''%C3%9Cbersicht.csv; filename=U.csv"), { filename: "Übersicht.csv" });
  const sections = "a; filename*1*=%A4%20b; filename*0*=UTF-8'de'%C3; filename*2=\"c%20.csv\"";
  assertEquals(parameters(sections), { filename: "ä bc%20.csv" });
  assertEquals(parameters("a; filename*=iso-8859-1''%FC.csv"), { filename: "ü.csv" });
});
