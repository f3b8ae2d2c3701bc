import { assertEquals } from "@std/assert";
import { setScene } from "../fakes/scene.ts";
import { replaceShortcodes, SHORTCODES } from "../../src/notification/shortcodes.ts";

Deno.test("replaceShortcodes() replaces known names, also next to each other", () => {
  assertEquals(replaceShortcodes(":memo::warning-sign: Log Forwarding"), "📝⚠️ Log Forwarding");
  for (const [name, symbol] of Object.entries(SHORTCODES)) assertEquals(replaceShortcodes(`:${name}:`), symbol);
});

Deno.test("replaceShortcodes() keeps unknown names and text that only looks like a name", () => {
  for (
    const text of [":unicorn: A", ":constructor: A", "sfp1:link:down", "at 10:15:20", "::star", ":Star: A", "a:fire: b"]
  ) {
    assertEquals(replaceShortcodes(text), text);
  }
});

Deno.test("Notifier.notify() queues the name and sends the symbol, so that the setting counts at delivery", async () => {
  await using scene = await setScene();
  {
    await using notifier = await scene.open();
    await notifier.notify({ subject: ":fire: One" }, { waitMs: 0 });
    assertEquals(notifier.entries().map(({ notification }) => notification.subject), [":fire: One"]);
    await notifier.flush();
  }
  assertEquals(scene.subjects(), ["🔥 One"]);
  await using plain = await scene.open({ symbols: false });
  await plain.notify({ subject: ":fire: Two" });
  assertEquals(scene.subjects(), ["🔥 One", ":fire: Two"]);
});
