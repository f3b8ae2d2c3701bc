import { assertEquals, assertMatch } from "@std/assert";
import type { Mail } from "../../../src/ingest/mail/mail.ts";
import { frameMail, readMail, type ReadMailOptions } from "../../../src/ingest/mail/read.ts";

async function read(text: string, load?: ReadMailOptions["load"]): Promise<{ mail: Mail; warnings: string[] }> {
  const warnings: string[] = [];
  const options = { dotEnds: false, warn: (warning: string) => void warnings.push(warning), load };
  return { mail: await readMail(new TextEncoder().encode(text), options), warnings };
}

Deno.test("readMail() returns the raw mail when the library cannot be loaded", async () => {
  const none = () => Promise.reject(new Error("not cached"));
  const { mail, warnings } = await read("From: a@b\nSUBJECT: Disk\n full\nX: y\n\nno space\n", none);
  assertEquals(mail, { subject: " Disk\n full", urgency: "normal", text: "no space\n", attachments: [] });
  assertMatch(warnings.join(), /library could not be loaded/);
});

Deno.test("readMail() returns the raw mail when its parts are nested too deeply", async () => {
  const nested = Array.from({ length: 300 }, (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\n\n--b${i}\n`);
  const { mail, warnings } = await read(`Subject: Deep\n${nested.join("")}\nbottom\n`);
  assertEquals(mail.subject, " Deep");
  assertMatch(mail.text ?? "", /bottom/);
  assertMatch(warnings.join(), /structure is invalid/);
});

Deno.test("readMail() finds the text of a multipart mail without parts", async () => {
  const { mail } = await read("Subject: A\nContent-Type: multipart/mixed; boundary=X\n\njust text\n");
  assertEquals(mail.text, "just text\n");
});

Deno.test("readMail() reads what is there of a mail that was cut off", async () => {
  const head = 'Subject: A\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="X"\n\n--X\n\nfirst\n--X\n';
  const { mail, warnings } = await read(
    `${head}Content-Type: text/csv\nContent-Disposition: attachment; filename=a.csv\n\na,b`,
  );
  assertEquals([mail.text, mail.attachments.map(({ name }) => name)], ["first\n", ["a.csv"]]);
  assertEquals(warnings, []);
});

Deno.test("readMail() reads raw UTF-8 in headers that should be encoded", async () => {
  const { mail } = await read("Subject: Größe\nFrom: Jürgen <j@example.org>\n\nhällo\n");
  assertEquals([mail.subject, mail.from, mail.text], ["Größe", "Jürgen", "hällo\n"]);
});

function frame(text: string, dotEnds = true): [head: string, body: string] {
  const { head, body } = frameMail(new TextEncoder().encode(text), { dotEnds });
  const decoder = new TextDecoder();
  return [decoder.decode(head), decoder.decode(body)];
}

Deno.test("frameMail() ends at a line with a dot only when dotEnds is set", () => {
  assertEquals(frame("Subject: A\n\none\n.\ntwo\n"), ["Subject: A\n", "one\n"]);
  assertEquals(frame("Subject: A\r\n\r\none\r\n.\r\ntwo\r\n"), ["Subject: A\r\n", "one\r\n"]);
  assertEquals(frame("Subject: A\n\none\n."), ["Subject: A\n", "one\n"]);
  assertEquals(frame("Subject: A\n\none\n.\ntwo\n", false), ["Subject: A\n", "one\n.\ntwo\n"]);
  assertEquals(frame("Subject: A\n\n..\n.x\n"), ["Subject: A\n", "..\n.x\n"]);
});

Deno.test("frameMail() keeps the whole text when there is no head", () => {
  for (const text of ["hello\nworld\n", "Error: no space left\nDevice: sda\n", "\nSubject: A\n", " indented\n", ""]) {
    assertEquals(frame(text), ["", text]);
  }
});

Deno.test("frameMail() starts the body at the first line that is no header", () => {
  assertEquals(frame("Subject: A\nhello there\nB: c\n"), ["Subject: A\n", "hello there\nB: c\n"]);
  assertEquals(frame("Subject: A\n folded\n\tagain\n\nbody"), ["Subject: A\n folded\n\tagain\n", "body"]);
  assertEquals(frame("Subject: A\n   \nbody"), ["Subject: A\n", "body"]);
  assertEquals(frame("Subject: A"), ["Subject: A", ""]);
});

Deno.test("frameMail() skips the From line of mailbox files", () => {
  assertEquals(frame("From root Sun Nov 22 20:00:00 2026\nSubject: A\n\nbody"), ["Subject: A\n", "body"]);
});
