import { assertEquals } from "@std/assert";
import { countFitting } from "../../src/channels/batch_message.ts";
import { renderMessage } from "../../src/channels/message.ts";
import { type BatchItem, createBatch } from "../../src/notification/batch.ts";
import { createNotification, type Notification, type NotificationInput } from "../../src/notification/notification.ts";

/** Returns a time in the time zone of this host, so that the test works in every time zone. */
const EVENING = new Date(2026, 10, 22, 20, 15, 0).getTime();

const item = (input: Partial<NotificationInput>, seconds = 0): BatchItem => ({
  id: `id-${seconds}`,
  notification: createNotification({ subject: "Link down", ...input }, EVENING + seconds * 1000),
});

const render = (items: readonly BatchItem[]) => renderMessage(createBatch(items), () => {});

Deno.test("renderBatch() shows each notification in full and in order, with time, symbol, subject, message and link", async () => {
  const { text } = await render([
    item({ message: "ether1 lost\n\n  its carrier", severity: "error" }),
    item({ subject: "Link up", link: "https://router.example.org/" }, 4),
    item({ subject: "CPU", message: "<b>90</b> &lt; 95", format: "html", severity: "warning" }, 5),
    { ...item({ subject: "Up", key: "k", resolves: true }, 6), replaced: { count: 4, since: EVENING } },
  ]);
  assertEquals(
    text.replace(/ since .*/, " since …"),
    [
      "20:15:00 ❌ Link down\nether1 lost\n\n  its carrier",
      "20:15:04 Link up\n🔗 https://router.example.org/",
      "20:15:05 ⚠️ CPU\n90 < 95",
      "20:15:06 Up\n↻ Replaces 4 earlier notifications since …",
    ].join("\n\n"),
  );
});

Deno.test("renderBatch() keeps code as code, renders Markdown, and escapes text", async () => {
  const { html } = await render([
    item({ subject: "<i>", message: 'a & "b"' }),
    item({ subject: "Log", message: "a  b\n<c>", format: "code" }, 1),
    item({ subject: "List", message: "- **one**", format: "markdown", link: "https://example.org/" }, 2),
  ]);
  assertEquals(
    html,
    '<br><p><strong>20:15:00 &lt;i&gt;</strong><br>a &amp; "b"</p>' +
      "<p><strong>20:15:01 Log</strong></p><pre><code>a  b\n&lt;c&gt;\n</code></pre>" +
      "<p><strong>20:15:02 List</strong></p><ul><li><strong>one</strong></li></ul>" +
      '<p>🔗 <a href="https://example.org/">example.org</a></p>',
  );
});

Deno.test("renderBatch() puts notifications that are only a line below each other", async () => {
  const { text, html } = await render([
    item({}),
    item({ subject: "<Up>" }, 1),
    item({ message: "x" }, 2),
    item({ subject: "End" }, 3),
  ]);
  assertEquals(text, "20:15:00 Link down\n20:15:01 <Up>\n\n20:15:02 Link down\nx\n\n20:15:03 End");
  assertEquals(
    html,
    "<br><p><strong>20:15:00 Link down</strong><br><strong>20:15:01 &lt;Up&gt;</strong></p>" +
      "<p><strong>20:15:02 Link down</strong><br>x</p><p><strong>20:15:03 End</strong></p>",
  );
});

Deno.test("renderBatch() folds identical notifications into one block with their count and times", async () => {
  const flaps = [3, 9, 164].map((seconds) => item({ origin: "ether1" }, seconds));
  const { text } = await render([
    flaps[0],
    item({ origin: "ether2" }, 5),
    flaps[1],
    item({ message: "x" }, 10),
    flaps[2],
  ]);
  assertEquals(text.split("\n\n"), [
    "20:15:03 Link down (×3: 20:15:03, 20:15:09, 20:17:44)\n20:15:05 Link down",
    "20:15:10 Link down\nx",
  ]);
  const many = await render(Array.from({ length: 60 }, (_, at) => item({ message: "y" }, at)));
  assertEquals(many.text, "20:15:00 Link down (×60: first 20:15:00, last 20:15:59)\ny");
});

Deno.test("renderBatch() shows dates if its items are from several days", async () => {
  const { text } = await render([item({}), item({ subject: "Next" }, 86_400)]);
  assertEquals(text, "2026-11-22 20:15:00 Link down\n2026-11-23 20:15:00 Next");
});

Deno.test("countFitting() counts the items that fit in full, and renders each item once", async () => {
  const items = Array.from({ length: 100 }, (_, at) => item({ subject: `Number ${at}`, message: "x".repeat(at) }, at));
  const rendered: Notification[] = [];
  const count = (max: number) =>
    countFitting(items, (notification) => {
      rendered.push(notification);
      return renderMessage(notification, () => {});
    }, (_, { text }) => text.length <= max);
  for (const expected of [2, 3, 17, 64, 99, 100]) {
    const { length } = (await render(items.slice(0, expected))).text;
    rendered.length = 0;
    assertEquals(await count(length), expected);
    assertEquals(rendered.length, new Set(rendered).size);
    if (expected > 2) assertEquals(await count(length - 1), expected - 1);
  }
  assertEquals(await count(10), 1, "the first item is sent alone");
});
