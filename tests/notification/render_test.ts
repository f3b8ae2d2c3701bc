import { assert, assertEquals } from "@std/assert";
import { createNotification } from "../../src/notification/notification.ts";
import { codeToHtml, Layout } from "../../src/notification/render.ts";
import { textToHtml } from "../../src/markup/markup.ts";

const notification = createNotification(
  { subject: "Disk <full>", message: "a & b\nc", link: "https://example.org/x" },
  0,
);

Deno.test("Layout.plain() has identity, subject, message and link in this order", () => {
  assertEquals(
    new Layout(notification, { identity: "jump" }).plain(notification.message),
    "[jump] Disk <full>\n\na & b\nc\n\n🔗 https://example.org/x",
  );
});

Deno.test("Layout.plain() is only the subject if there is nothing else", () => {
  assertEquals(new Layout(createNotification({ subject: "Up" }, 0), { identity: "jump" }).plain(""), "[jump] Up");
});

Deno.test("Layout.plain() says since when a late notification was queued", () => {
  const up = createNotification({ subject: "Up" }, Date.UTC(2026, 10, 22, 20, 15));
  const text = new Layout(up, { identity: "jump", lateAt: up.time + 7_500_000 }).plain("");
  assert(/^\[jump\] Up\n\n⏰ Queued since 2026-11-2[123] \d\d:\d\d:\d\d UTC\S*, 2 h 5 min late$/.test(text), text);
});

Deno.test("Layout.plain() does not say how late a notification is if its time is from a wrong clock", () => {
  const now = Date.UTC(2026, 10, 22, 20, 15);
  for (const [time, date] of [[30_000, "1970-01-01"], [now + 86_400_000 * 90, "2027-02-20"]] as const) {
    const text = new Layout(createNotification({ subject: "Up" }, time), { identity: "jump", lateAt: now }).plain("");
    assertEquals(
      text.replace(/ \d\d:\d\d:\d\d UTC[^)]*/, ""),
      `[jump] Up\n\n⏰ Late: the clock of the host was wrong (${date}) when this was queued`,
    );
  }
});

Deno.test("Layout.html() escapes texts, and links only allowed schemes", () => {
  assertEquals(
    new Layout(notification, { identity: "jump" }).html(textToHtml(notification.message)),
    "<strong>[jump] Disk &lt;full&gt;</strong><br>a &amp; b<br>c<br>" +
      '🔗 <a href="https://example.org/x">example.org/x</a>',
  );
  const phone = createNotification({ subject: "x", link: "tel:+491" }, 0);
  assertEquals(new Layout(phone, { identity: "jump" }).html(""), "<strong>[jump] x</strong><br>🔗 tel:+491");
});

Deno.test("codeToHtml() keeps a message verbatim", () => {
  assertEquals(codeToHtml("a  <b>\n c"), "<pre><code>a  &lt;b&gt;\n c\n</code></pre>");
});
