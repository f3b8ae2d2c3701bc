import { assert, assertEquals } from "@std/assert";
import { renderMessage } from "../../src/channels/message.ts";
import { MAX_HTML_CHARS } from "../../src/markup/markup.ts";
import { createNotification, FORMATS } from "../../src/notification/notification.ts";

Deno.test("renderMessage() keeps the text of a long message, and writes only its beginning as HTML", async () => {
  const message = "<b>a  b</b>".repeat(2 ** 19);
  for (const format of FORMATS) {
    const { text, html } = await renderMessage(createNotification({ subject: "S", message, format }, 0), () => {});
    assertEquals(text, message, format);
    assert(html.length >= MAX_HTML_CHARS && html.length < 8 * MAX_HTML_CHARS, `${format}: ${html.length}`);
  }
});
