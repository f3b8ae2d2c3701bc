import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { InvalidNotificationError } from "../../src/base/errors.ts";
import {
  createNotification,
  DEFAULT_TTL_MS,
  MAX_MESSAGE_BYTES,
  type NotificationInput,
} from "../../src/notification/notification.ts";

Deno.test("createNotification() fills in defaults", () => {
  assertEquals(createNotification({ subject: "Disk full" }, 1000), {
    subject: "Disk full",
    message: "",
    format: "text",
    silent: false,
    severity: "info",
    time: 1000,
    expires: 1000 + DEFAULT_TTL_MS,
  });
});

Deno.test("createNotification() keeps all fields of its input", () => {
  const input: NotificationInput = {
    subject: "Backup",
    message: "failed",
    format: "code",
    link: "https://example.org/x?y=1",
    silent: true,
    severity: "critical",
    origin: "backup-email",
    key: "backup",
    mentions: ["@alice:example.org", "@room"],
    ttlMs: 500,
  };
  const { ttlMs: _, ...expected } = input;
  assertEquals(
    createNotification(input, 1000),
    { ...expected, subject: "Backup", message: "failed", time: 1000, expires: 1500 } as never,
  );
});

Deno.test("createNotification() turns line breaks into spaces in the subject and into LF in the message", () => {
  const { subject, message } = createNotification({ subject: "  a\r\nb\tc ", message: "x\r\ny\rz\n\n" }, 0);
  assertEquals([subject, message], ["a b c", "x\ny\nz"]);
});

Deno.test("createNotification() replaces control characters", () => {
  const { subject, message } = createNotification({ subject: "a\u001b[2Jb", message: "x\u0000\ty\nz" }, 0);
  assertEquals([subject, message], ["a\ufffd[2Jb", "x\ufffd\ty\nz"]);
});

Deno.test("createNotification() replaces lone surrogates", () => {
  const { subject, message } = createNotification({ subject: "a\ud800", message: "\udc00b" }, 0);
  assertEquals([subject, message], ["a\ufffd", "\ufffdb"]);
});

Deno.test("createNotification() removes duplicate mentions", () => {
  const { mentions } = createNotification({ subject: "x", mentions: ["@a:example.org", "@a:example.org"] }, 0);
  assertEquals(mentions, ["@a:example.org"]);
});

const REFUSED: [name: string, input: Record<string, unknown>, says: string][] = [
  ["an empty subject", { subject: " \n " }, "it is empty"],
  ["a subject that is a number", { subject: 5 }, "it must be text, not number"],
  ["a missing subject", {}, "it must be text, not undefined"],
  ["a long subject", { subject: "x".repeat(1025) }, "subject of 1025 bytes: the limit is 1024"],
  [
    "a long message",
    { subject: "x", message: "ä".repeat(MAX_MESSAGE_BYTES / 2 + 1) },
    "57346 bytes: the limit is 57344",
  ],
  ["a relative link", { subject: "x", link: "/x" }, "it must be an absolute URL"],
  ["a link with a space", { subject: "x", link: "https://example.org/a b" }, "it must be an absolute URL"],
  ["an unknown severity", { subject: "x", severity: "bad" }, "must be one of info, warning, error, critical"],
  ["an unknown format", { subject: "x", format: "rtf" }, "must be one of text, code, markdown, html"],
  ["a resolve without a key", { subject: "x", resolves: true }, "the notification has no key"],
  ["a mention that is no user id", { subject: "x", mentions: ["alice"] }, 'mention "alice": it is neither a user id'],
  ["a mention that is a number", { subject: "x", mentions: [5] }, 'mention "5": it is neither a user id'],
  [
    "too many mentions",
    { subject: "x", mentions: Array.from({ length: 11 }, (_, n) => `@u${n}:example.org`) },
    "Cannot mention 11 users: the limit is 10",
  ],
  ["a ttl of zero", { subject: "x", ttlMs: 0 }, "it must be more than zero"],
  ["a ttl of NaN", { subject: "x", ttlMs: NaN }, "it must be more than zero"],
];

for (const [name, input, says] of REFUSED) {
  Deno.test(`createNotification() refuses ${name}`, () => {
    const error = assertThrows(
      () => createNotification(input as unknown as NotificationInput, 0),
      InvalidNotificationError,
    );
    assertStringIncludes(error.message, says);
  });
}
