import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Mail } from "../../../src/ingest/mail/mail.ts";
import { readMail } from "../../../src/ingest/mail/read.ts";

/** Reads a mail whose characters are one byte each. */
function read(text: string): Mail {
  return readMail(Uint8Array.from(text, (character) => character.charCodeAt(0)), { dotEnds: false });
}

/** Reads a multipart mail. */
function readParts(parts: readonly string[], type = "mixed"): Mail {
  const delimited = parts.map((part) => `--b\n${part}\n`).join("");
  return read(`Subject: S\nMIME-Version: 1.0\nContent-Type: multipart/${type}; boundary="b"\n\n${delimited}--b--\n`);
}

function files({ attachments }: Mail): string[][] {
  return attachments.map(({ name = "", type, content }) => [name, type, new TextDecoder("latin1").decode(content)]);
}

Deno.test("readMail() detects the charset of text that cron and mailx declare as ASCII", () => {
  for (const charset of ["US-ASCII", "ANSI_X3.4-1968", "646", "x-unknown"]) {
    const head = `Subject: S\nContent-Type: text/plain; charset="${charset}"\nContent-Transfer-Encoding: 8bit\n\n`;
    assertEquals(read(`${head}Gr\xc3\xb6\xc3\x9fe\n`).text, "Größe\n");
    assertEquals(read(`${head}Gr\xf6\xdfe\n`).text, "Größe\n");
  }
  // logwatch
  assertEquals(
    read('Subject: S\nContent-Type: text/plain; charset="iso-8859-1"\n\nGr\xc3\xb6\xc3\x9fe\n').text,
    "Größe\n",
  );
});

Deno.test("readMail() keeps text attachments byte for byte", () => {
  const content = "a\r\nGr\xf6\xdfe\n\xc3\xa4\r\r\n\x1b[1mno end";
  const head = 'Content-Type: text/plain; charset=iso-8859-1; name="x.txt"\nContent-Disposition: attachment';
  const text = "Content-Type: text/plain\n\nHi\n";
  const encoded = content.replace(/[^ -~]/g, (c) => `=${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
  for (
    const part of [
      `${head}\nContent-Transfer-Encoding: 8bit\n\n${content}`,
      `${head}\nContent-Transfer-Encoding: quoted-printable\n\n${encoded.replace("no", "n=\no")}`,
      `${head}\nContent-Transfer-Encoding: base64\n\n${btoa(content)}\n`,
    ]
  ) {
    const mail = readParts([text, part]);
    assertEquals([mail.text, files(mail)], ["Hi\n", [["x.txt", "text/plain", content]]]);
  }
  const calendar = "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n\r\n";
  assertEquals(files(readParts([text, `Content-Type: text/calendar\n\n${calendar}`]))[0][2], calendar);
});

Deno.test("readMail() joins flowed lines, and keeps quotes, stuffed blanks and the signature", () => {
  const flowed = [
    ...["This line continues ", "here.", "", ">> Quoted text that ", ">> goes on", "> An answer ", "not quoted", ""],
    ...[" > not a quote", "  indented", ">nothing", "> ", "-- ", "Jump host"],
  ].join("\r\n");
  const head = "Subject: S\nContent-Type: text/plain; format=Flowed";
  assertEquals(
    read(`${head}\n\n${flowed}`).text?.split("\n"),
    [
      ...["This line continues here.", "", ">> Quoted text that goes on", "> An answer", "not quoted", ""],
      ...["> not a quote", " indented", "> nothing", ">", "-- ", "Jump host"],
    ],
  );
  assertEquals(read(`${head}; DelSp=yes\n\nver \nlust \nloser  \nText`).text, "verlustloser Text");
});

Deno.test("readMail() shows a text that old versions of mailx send as a file without a name", () => {
  const head = "Subject: S\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\n";
  const mail = read(head + btoa("Gr\xc3\xb6\xc3\x9fe\n"));
  assertEquals([mail.text, mail.attachments], ["Größe\n", []]);
  assertEquals(files(read(head + btoa("\x00\x01"))), [["", "application/octet-stream", "\x00\x01"]]);
});

Deno.test("readMail() finds the sender's name in each form that programs write", () => {
  const writer = (from: string) => read(`From: ${from}\n\nx`).from;
  assertEquals(writer("root (Cron Daemon)"), "Cron Daemon");
  assertEquals(writer('"(Cron Daemon)" <root>'), "Cron Daemon");
  assertEquals(writer('"Doe, \\"J\\"" <j@example.org>'), 'Doe, "J"');
  assertEquals(writer("=?UTF-8?Q?J=C3=BCrgen?= <j@example.org>, b@example.org"), "Jürgen");
  assertEquals(writer('"=?UTF-8?Q?J=C3=BCrgen?=" <j@example.org>'), "Jürgen");
  assertEquals([writer("<root@jump>"), writer("root"), writer("a@b, c@d")], ["root@jump", "root", "a@b"]);
});

Deno.test("readMail() joins the texts of a mail, as HTML if one of them is only HTML", () => {
  const plain = "Content-Type: text/plain\n\na\n b", html = "Content-Type: text/html\n\n<p>c</p>";
  const alternative = `Content-Type: multipart/alternative; boundary=c\n\n--c\n${plain}\n--c\n${html}\n--c--`;
  const only = readParts([plain, html]);
  assertEquals([only.text, only.html?.includes("a\n b"), only.html?.endsWith("<p>c</p>")], [undefined, true, true]);
  const both = readParts([plain, html], "alternative");
  assertEquals([both.text, both.html], ["a\n b", "<p>c</p>"]);
  assertEquals(readParts([alternative, plain]).text, "a\n b\na\n b");
});

Deno.test("readMail() keeps the text beside the HTML of one alternative", () => {
  const inner =
    "Content-Type: multipart/mixed; boundary=I\n\n--I\n\nabove\n--I\nContent-Type: text/html\n\n<b>below</b>\n--I--\n";
  const mail = read(`Subject: A\nContent-Type: multipart/alternative; boundary=O\n\n--O\n${inner}\n--O--\n`);
  assertEquals([mail.text, mail.html], [undefined, "<pre><code>above\n</code></pre>\n<b>below</b>"]);
});

Deno.test("readMail() shows a forwarded mail, and attaches a returned one", () => {
  const inner = "From: x@example.org\nSubject: =?UTF-8?Q?=C3=84?=\nTo: y\n\nInner\n";
  const forwarded = readParts(["\nSee below", `Content-Type: message/rfc822\n\n${inner}`]);
  assertEquals(forwarded.text, "See below\nFrom: x@example.org\nSubject: Ä\n\nInner\n");
  const returned = readParts(["\nFailed", `Content-Type: message/rfc822\n\n${inner}`], "report");
  assertEquals([returned.text, files(returned)], ["Failed", [["", "message/rfc822", inner]]]);
});

Deno.test("readMail() shows text that scripts write outside of the parts", () => {
  const head = "Subject: S\nContent-Type: multipart/mixed; boundary=b\n\n";
  const part = "--b\nContent-Type: text/plain\n\nmiddle\n--b--\n";
  assertEquals(read(`${head}before\n${part}after\n`).text, "before\n\nmiddle\nafter\n");
  assertEquals(read(`${head}This is a multi-part message in MIME format.\n${part}\n`).text, "middle");
});

Deno.test("readMail() shows text that is declared as base64 but is not", () => {
  const head = "Subject: S\nContent-Transfer-Encoding: base64\n\n";
  assertEquals(read(`${head}Backup failed\n`).text, "Backup failed\n");
  assertEquals(read(`${head}QmFja3Vw\r\nIGZhaWxlZA==\r\n`).text, "Backup failed");
});

Deno.test("readMail() limits the number of parts", () => {
  const { text = "", attachments } = readParts(
    Array.from({ length: 5000 }, (_, at) => `Content-Type: application/x\n\n${at}`),
  );
  assertEquals([attachments.length, text], [1000, ""]);
  assertStringIncludes(new TextDecoder().decode(attachments.at(-1)?.content), "\n4999");
});

Deno.test("readMail() attaches a text with a file name, unless it is the whole mail", () => {
  const part = "Content-Type: text/plain\nContent-Disposition: inline; filename=a.log\n\nlog";
  const mail = readParts(["\nHi", part]);
  assertEquals([mail.text, files(mail)], ["Hi", [["a.log", "text/plain", "log"]]]);
  assertEquals(read(`Subject: S\n${part}`).text, "log");
});

Deno.test("readMail() shows parts that are nested too deeply as they are", () => {
  const nested = Array.from({ length: 300 }, (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\n\n--b${i}\n`);
  const mail = read(`Subject: Deep\n${nested.join("")}\nbottom\n`);
  assertEquals(mail.subject, "Deep");
  assertMatch(mail.text ?? "", /^--b20\n[^]*\nbottom\n$/);
});

Deno.test("readMail() finds the text of a multipart mail without parts", () => {
  const mail = read("Subject: A\nContent-Type: multipart/mixed; boundary=X\n\njust text\n");
  assertEquals(mail.text, "just text\n");
});

Deno.test("readMail() reads what is there of a mail that was cut off", () => {
  const head = 'Subject: A\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="X"\n\n--X\n\nfirst\n--X\n';
  const mail = read(
    `${head}Content-Type: text/csv\nContent-Disposition: attachment; filename=a.csv\n\na,b`,
  );
  assertEquals([mail.text, mail.attachments.map(({ name }) => name)], ["first", ["a.csv"]]);
});

Deno.test("readMail() accepts every input", () => {
  const folder = new URL("./fixtures/", import.meta.url);
  const mails = [...Deno.readDirSync(folder)].map(({ name }) => Deno.readFileSync(new URL(name, folder)));
  let seed = 1;
  const roll = (limit: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % limit;
  for (let i = 0; i < 500; i++) {
    const [first, second] = [mails[roll(mails.length)], mails[roll(mails.length)]];
    const bytes = Uint8Array.from([...first.subarray(0, roll(first.length)), ...second.subarray(roll(second.length))]);
    for (let changes = roll(8); changes > 0; changes--) bytes[roll(bytes.length)] = roll(256);
    readMail(bytes, { dotEnds: roll(2) === 0 });
  }
});
