import { assertEquals, assertMatch } from "@std/assert";
import type { Mail } from "../../../src/ingest/mail/mail.ts";
import { readMail, type ReadMailOptions } from "../../../src/ingest/mail/read.ts";

async function read(text: string, load?: ReadMailOptions["load"]): Promise<{ mail: Mail; warnings: string[] }> {
  const warnings: string[] = [];
  const options = { dotEnds: false, warn: (warning: string) => void warnings.push(warning), load };
  return { mail: await readMail(new TextEncoder().encode(text), options), warnings };
}

Deno.test("readMail() sends a mail as it came when there is no library", async () => {
  const none = () => Promise.reject(new Error("not cached"));
  const { mail, warnings } = await read("From: a@b\nSUBJECT: Disk\n full\nX: y\n\nno space\n", none);
  assertEquals(mail, { subject: " Disk\n full", urgency: "normal", text: "no space\n", attachments: [] });
  assertMatch(warnings.join(), /its library is not to be had/);
});

Deno.test("readMail() sends a mail as it came when its parts are nested without end", async () => {
  const nested = Array.from({ length: 300 }, (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\n\n--b${i}\n`);
  const { mail, warnings } = await read(`Subject: Deep\n${nested.join("")}\nbottom\n`);
  assertEquals(mail.subject, " Deep");
  assertMatch(mail.text ?? "", /bottom/);
  assertMatch(warnings.join(), /it is broken/);
});

Deno.test("readMail() finds the text of a container without parts", async () => {
  const { mail } = await read("Subject: A\nContent-Type: multipart/mixed; boundary=X\n\njust text\n");
  assertEquals(mail.text, "just text\n");
});

Deno.test("readMail() reads what it can of a mail that was cut off", async () => {
  const head = 'Subject: A\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="X"\n\n--X\n\nfirst\n--X\n';
  const { mail, warnings } = await read(
    `${head}Content-Type: text/csv\nContent-Disposition: attachment; filename=a.csv\n\na,b`,
  );
  assertEquals([mail.text, mail.attachments.map(({ name }) => name)], ["first\n", ["a.csv"]]);
  assertEquals(warnings, []);
});

Deno.test("readMail() reads raw UTF-8 where headers should be encoded", async () => {
  const { mail } = await read("Subject: Größe\nFrom: Jürgen <j@example.org>\n\nhällo\n");
  assertEquals([mail.subject, mail.from, mail.text], ["Größe", "Jürgen", "hällo\n"]);
});
