import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { InvalidNotificationError } from "../../src/base/errors.ts";
import {
  createNotification,
  DEFAULT_TTL_MS,
  MAX_MESSAGE_BYTES,
  MAX_QUEUED_BYTES,
  type Notification,
  type NotificationInput,
} from "../../src/notification/notification.ts";
import { byteLength, cutToBytes } from "../../src/notification/cut.ts";
import { repairId } from "../../src/notification/repair.ts";
import { encodeRecord, MAX_LINE_BYTES } from "../../src/queue/journal_line.ts";
import type { JournalRecord } from "../../src/queue/record.ts";

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
  const { subject, message } = createNotification({ subject: "  a\r\nb\tc ", message: "x\r\ny\r\r\nz\n\n" }, 0);
  assertEquals([subject, message], ["a b c", "x\ny\nz"]);
});

Deno.test("createNotification() reads its texts like a terminal, and decodes bytes", () => {
  const { subject, message, origin, key } = createNotification({
    subject: "a\u001b[1mb\r\nc",
    message: Uint8Array.of(0x66, 0xfc, 0x72, 0x0d, 0x0d, 0x0a, 0x1b, 0x28, 0x42, 0x78),
    origin: "\u001b[31mcron\u0000",
    key: " backup\tdb\n",
  }, 0);
  assertEquals([subject, message, origin, key], ["ab c", "für\nx", "cron", "backup db"]);
});

Deno.test("createNotification() overwrites nothing in HTML", () => {
  assertEquals(createNotification({ subject: "x", message: "<p>a\rb</p>", format: "html" }, 0).message, "<p>a\nb</p>");
});

Deno.test("createNotification() replaces lone surrogates", () => {
  const { subject, message } = createNotification({ subject: "a\ud800", message: "\udc00b" }, 0);
  assertEquals([subject, message], ["a\ufffd", "\ufffdb"]);
});

Deno.test("createNotification() removes duplicate mentions", () => {
  const { mentions } = createNotification({ subject: "x", mentions: ["@a:example.org", "@a:example.org"] }, 0);
  assertEquals(mentions, ["@a:example.org"]);
});

/**
 * Creates a notification from any value, as a program without types can. Also returns the warnings.
 */
function repaired(input: Record<string, unknown>): [notification: Notification, warnings: string[]] {
  const warnings: string[] = [];
  const notification = createNotification(input as unknown as NotificationInput, 0, (text) => warnings.push(text));
  return [notification, warnings];
}

Deno.test("createNotification() cuts a long subject, and begins the message with the whole subject", () => {
  const subject = `${"ä".repeat(600)} <b>`;
  const problem =
    "Cannot use the whole subject of 1204 bytes: the limit is 1024; the message begins with the whole subject";
  const [text, warnings] = repaired({ subject, message: "body" });
  assertEquals([text.subject, text.message], [`${"ä".repeat(510)}…`, `${subject}\n\nbody`]);
  assertEquals([text.problems, warnings], [[problem], [problem]]);
  assertEquals(repaired({ subject, format: "html" })[0].message, `<p>${"ä".repeat(600)} &lt;b></p>`);
});

Deno.test("createNotification() uses the first line of the message if the subject is empty", () => {
  const first = (input: Record<string, unknown>) => repaired(input)[0].subject;
  assertEquals(first({ subject: " \n ", message: "\n  disk  full\nnow" }), "disk full");
  assertEquals(first({ subject: "", message: "<h1>Disk</h1>\n<p>full", format: "html" }), "Disk");
  assertEquals(repaired({ message: "\n" }), [
    repaired({ subject: "(no subject)" })[0],
    ['The subject is empty: "(no subject)" is used'],
  ]);
  assertEquals(repaired({ subject: "", message: "x" })[1], [
    "The subject is empty: the first line of the body is used",
  ]);
});

Deno.test("createNotification() keeps the beginning and the end of a long message", () => {
  const lines = Array.from({ length: 800_000 }, (_, at) => `line ${at}`).join("\n");
  const [{ message }, warnings] = repaired({ subject: "x", message: lines });
  assert(byteLength(message) <= MAX_MESSAGE_BYTES && byteLength(message) > 0.99 * MAX_MESSAGE_BYTES);
  assertMatch(
    message,
    /^line 0\nline 1\n[^]*\nline \d+\n✂ Cut here: \d+ of 9488889 bytes are missing\nline \d+\n[^]*line 799999$/,
  );
  assertEquals(warnings, ["Cannot send the whole body: it is larger than 8 MiB"]);
});

Deno.test("createNotification() leaves out a link that runs code or opens a file, and shows its text", () => {
  for (
    const link of ["javascript:alert(1)", "JAVASCRIPT:x", "\x01data:text/html,x", "file:///etc/passwd", "vbscript:x"]
  ) {
    const notification = createNotification({ subject: "x", link }, 0);
    const shown = link.replace("\x01", "");
    assertEquals([notification.link, notification.problems], [undefined, [
      `Cannot use "${shown}" as a link: a client could run code or open a local file`,
    ]]);
  }
  for (const [link, written] of [["https:example.org", "https://example.org/"], ["ntfy://x/y", "ntfy://x/y"]]) {
    assertEquals(createNotification({ subject: "x", link }, 0).link, written);
  }
});

Deno.test("createNotification() leaves out links and mentions that it cannot use, and says so", () => {
  const [notification, warnings] = repaired({
    subject: "x",
    link: "/wiki",
    mentions: ["alice", "@bob:example.org", 5, ...Array.from({ length: 10 }, (_, n) => `@u${n}:example.org`)],
  });
  assertEquals([notification.link, notification.mentions?.length, notification.problems], [undefined, 10, warnings]);
  assertEquals(warnings, [
    'Cannot use "/wiki" as a link: it is not an absolute URL such as https://example.org/',
    'Cannot mention "alice", "5": it is neither a user id (@name:example.org) nor @room',
    "Cannot mention @u9:example.org: the limit is 10; @room mentions all users in the room",
  ]);
  assertEquals(repaired({ subject: "x", link: " https://example.org/a b " })[0].link, "https://example.org/a%20b");
  assertMatch(
    repaired({ subject: "x", link: `https://${"x".repeat(3000)}` })[1][0],
    /it has 3008 bytes, and the limit is 2048$/,
  );
});

Deno.test("createNotification() makes every input short enough for a line of the journal, except the message", () => {
  // JSON writes a quotation mark as two bytes.
  const quotes = '"'.repeat(100_000);
  const attachment = {
    name: '"'.repeat(200),
    type: "x".repeat(100),
    size: 1e8,
    width: 1e5,
    height: 1e5,
    content: "x".repeat(36),
  };
  const [notification] = repaired({
    ...{
      subject: quotes,
      message: quotes,
      origin: quotes,
      key: quotes,
      link: `https://example.org/?${"'".repeat(1020)}`,
    },
    mentions: Array.from({ length: 10 }, (_, at) => `@${"a".repeat(240)}${at}:example.org`),
    problems: Array(30).fill(quotes),
  });
  const record = {
    ...{
      t: "enq",
      id: attachment.content,
      time: 1e13,
      channel: "x".repeat(64),
      destination: "x".repeat(1000),
      expires: 1e13,
    },
    ...{ key: notification.key, title: quotes.slice(0, 1024), files: Array(11).fill(attachment.content) },
    notification: {
      ...notification,
      message: cutToBytes(notification.message, MAX_QUEUED_BYTES),
      attachments: Array(10).fill(attachment),
      fullText: attachment,
    },
  };
  assert(encodeRecord(record as unknown as JournalRecord).length < MAX_LINE_BYTES);
});

Deno.test("createNotification() keeps long keys apart", () => {
  const key = (end: string) => repaired({ subject: "x", key: "k".repeat(2000) + end })[0].key ?? "";
  assertEquals([byteLength(key("a")), key("a") === key("a"), key("a") === key("b")], [1024, true, false]);
});

Deno.test("repairId() encodes other characters, and keeps long ids apart", () => {
  assertEquals(["backup-1/ä%", "a b\n", "", undefined, "\ud800"].map(repairId), [
    ...["backup-1/%C3%A4%", "a%20b%0A", undefined, undefined, "%EF%BF%BD"],
  ]);
  const long = ["a", "b"].map((end) => repairId("x".repeat(300) + end) ?? "");
  assertEquals([long[0].length, long[0] === long[1]], [255, false]);
});

Deno.test("createNotification() accepts values that are not text", () => {
  const [{ subject, message }] = repaired({ subject: 5, message: { a: [1] } });
  assertEquals([subject, message], ["5", '{"a":[1]}']);
  assertEquals(repaired({ subject: new Error("disk full") })[0].subject, "Error: disk full");
});

Deno.test("createNotification() limits the number and the length of problems", () => {
  const [{ problems = [] }] = repaired({ subject: "x", problems: Array(100).fill("Cannot attach\n".repeat(1000)) });
  assert(byteLength(problems.join("")) < 10_000, problems.at(-1));
  assertMatch(problems.at(-1) ?? "", /^There are \d+ more problems$/);
});

const REFUSED: [name: string, input: Record<string, unknown>, says: string][] = [
  ["an unknown severity", { subject: "x", severity: "bad" }, "must be one of info, warning, error, critical"],
  ["an unknown format", { subject: "x", format: "rtf" }, "must be one of text, code, markdown, html"],
  ["a resolve without a key", { subject: "x", resolves: true }, "the notification has no key"],
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

Deno.test("createNotification() finds the subject of megabytes of HTML in linear time", () => {
  for (const piece of ["<", "<b", "\n", "<b>"]) {
    const { subject } = createNotification({
      subject: "",
      message: `<p>First</p>${piece.repeat(4 * 2 ** 20)}`,
      format: "html",
    }, 0);
    assertEquals(subject.slice(0, 5), "First");
  }
});

Deno.test("createNotification() reads only the beginning and the end of a message that is much too long", () => {
  const size = 3 * MAX_MESSAGE_BYTES;
  const bytes = new Uint8Array(size).fill(0x61);
  bytes.set(new TextEncoder().encode("begin\r\n"));
  bytes.set(new TextEncoder().encode("\r\nend"), size - 5);
  for (const given of [bytes, new TextDecoder().decode(bytes)]) {
    const warnings: string[] = [];
    const { message } = createNotification({ subject: "s", message: given }, 0, (text) => warnings.push(text));
    assert(message.startsWith("begin\naaa") && message.endsWith("aaa\nend"));
    assert(byteLength(message) <= MAX_MESSAGE_BYTES && byteLength(message) > 0.99 * MAX_MESSAGE_BYTES);
    assertMatch(message, new RegExp(`✂ Cut here: \\d+ of ${size} bytes are missing`));
    assertEquals(warnings, ["Cannot send the whole body: it is larger than 8 MiB"]);
  }
});
