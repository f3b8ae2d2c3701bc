import { assertEquals } from "@std/assert";
import { frameMail } from "../../../src/ingest/mail/parts.ts";

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

Deno.test("frameMail() skips a byte order mark, and the From line of mailbox files", () => {
  assertEquals(frame("From root Sun Nov 22 20:00:00 2026\nSubject: A\n\nbody"), ["Subject: A\n", "body"]);
  assertEquals(frame("\ufeffSubject: A\n\nbody"), ["Subject: A\n", "body"]);
});
