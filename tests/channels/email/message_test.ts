import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { InvalidNotificationError } from "../../../src/base/errors.ts";
import { composeMail, mailHasRoomFor } from "../../../src/channels/email/message.ts";
import { renderMessage } from "../../../src/channels/message.ts";
import { createBatch } from "../../../src/notification/batch.ts";
import { createNotification, type NotificationInput } from "../../../src/notification/notification.ts";
import { TEST_TIME } from "../../fakes/runtime.ts";

function compose(input: NotificationInput & { readonly message?: string }, identity = "jump") {
  const addresses = { from: "a@example.org", to: "b@example.org", messageId: "<x@example.org>" };
  const message = input.message ?? "";
  return composeMail(createNotification(input, TEST_TIME), { text: message, html: message }, {
    identity,
    ...addresses,
  });
}

Deno.test("composeMail() writes a subject in one line, also if the identity has unusual characters", () => {
  assertEquals(compose({ subject: "Up" }, "a\r\nBcc: c@example.org\u2028x").subject, "[a Bcc: c@example.org x] Up");
});

Deno.test("composeMail() cuts a long subject in the header, and keeps it complete in the text", () => {
  const subject = "x".repeat(1000);
  const mail = compose({ subject });
  assertEquals([mail.subject, mail.text], [`[jump] ${"x".repeat(492)}…`, `[jump] ${subject}`]);
  // An emoji has two code units. The cut is not between them.
  const emoji = compose({ subject: `x${"😀".repeat(255)}` });
  assertEquals(emoji.subject, `[jump] x${"😀".repeat(245)}…`);
});

Deno.test("composeMail() sends a batch in full and with its HTML, or not at all", async () => {
  const batchOf = (count: number) =>
    createBatch(Array.from({ length: count }, (_, at) => {
      const input = { subject: `Up ${at}`, message: "x".repeat(300) };
      return { id: `${at}`, notification: createNotification(input, TEST_TIME) };
    }));
  const addresses = { from: "a@example.org", to: "b@example.org", messageId: "<x@example.org>" };
  const identity = "jump";
  const [fitting, tooLong] = [batchOf(60), batchOf(70)];
  const [first, second] = await Promise.all([fitting, tooLong].map((batch) => renderMessage(batch, () => {})));
  assertEquals([mailHasRoomFor(fitting, first, { identity }), mailHasRoomFor(tooLong, second, { identity })], [
    true,
    false,
  ]);
  const mail = composeMail(fitting, first, { identity, ...addresses });
  assertEquals([mail.text.match(/^x{300}$/gm)?.length, mail.html?.match(/x{300}/g)?.length], [60, 60]);
  const much = { ...second, text: second.text.repeat(3) };
  assertThrows(() => composeMail(tooLong, much, { identity, ...addresses }), InvalidNotificationError);
});

Deno.test("composeMail() writes the colours of Matrix as styles", () => {
  const message =
    '<span data-mx-bg-color="#000000" data-mx-color="#ff0000">a</span><span data-mx-color="#00ff00">b</span>' +
    '<span data-mx-spoiler="">c</span>';
  assertStringIncludes(
    compose({ subject: "Up", message }).html ?? "",
    '<span style="background-color:#000000;color:#ff0000">a</span><span style="color:#00ff00">b</span>' +
      '<span data-mx-spoiler="">c</span>',
  );
});

Deno.test("composeMail() sets the importance", () => {
  const importance = (input: Omit<Partial<NotificationInput>, "message">) => {
    const { "Auto-Submitted": _, ...headers } = compose({ subject: "Up", ...input }).headers;
    return Object.values(headers);
  };
  assertEquals(importance({}), []);
  assertEquals(importance({ severity: "error" }), ["high", "2 (High)"]);
  assertEquals(importance({ severity: "critical" }), ["high", "1 (Highest)"]);
  assertEquals(importance({ severity: "critical", silent: true }), ["low", "5 (Lowest)"]);
});

Deno.test("composeMail() uses the shorter encoding, and omits the HTML before it cuts the text", () => {
  assertEquals(compose({ subject: "Up", message: "plain" }).textEncoding, "quoted-printable");
  for (const message of ["ж".repeat(12), "=".repeat(40), "a\n".repeat(40)]) {
    assertEquals(compose({ subject: "Up", message }).textEncoding, "base64");
  }
  const long = compose({ subject: "Up", message: "x".repeat(30_000) });
  assertEquals([long.html, long.text.length > 30_000], [undefined, true]);
});
