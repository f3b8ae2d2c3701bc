import { assert, assertEquals } from "@std/assert";
import { type BatchItem, createBatch, isBatch, renderBatch } from "../../src/notification/batch.ts";
import { createNotification, type NotificationInput } from "../../src/notification/notification.ts";
import { byteLength } from "../../src/notification/cut.ts";

/** Returns a time in the time zone of this host, so that the test works in every time zone. */
const EVENING = new Date(2026, 10, 22, 20, 15, 0).getTime();

const item = (input: Partial<NotificationInput>, seconds = 0): BatchItem => ({
  notification: createNotification({ subject: "Link down", ...input }, EVENING + seconds * 1000),
});

Deno.test("createBatch() has a line for each notification, in order, with time, mark, subject and message", () => {
  const batch = createBatch([
    item({ message: "ether1 lost\n\nits carrier", severity: "error" }),
    item({ subject: "Link up", link: "https://router.example.org/" }, 4),
    item({ subject: "CPU", message: "<b>90</b> &lt; 95", format: "html", severity: "warning" }, 5),
  ]);
  assertEquals(batch.subject, "3 notifications");
  assertEquals(batch.message.split("\n"), [
    "- 20:15:00 ❌ Link down: ether1 lost / its carrier",
    "- 20:15:04 ℹ Link up 🔗 https://router.example.org/",
    "- 20:15:05 ⚠️ CPU: 90 < 95",
  ]);
  assert(isBatch(batch));
});

Deno.test("createBatch() folds identical notifications into one line with their count", () => {
  const flaps = [3, 164, 9].map((seconds) => item({ origin: "ether1" }, seconds));
  const batch = createBatch([flaps[0], item({ origin: "ether2" }, 5), flaps[2], item({ message: "x" }, 10), flaps[1]]);
  assertEquals(batch.message.split("\n"), [
    "- 20:15:03 ℹ Link down (×3, first 20:15:03, last 20:17:44)",
    "- 20:15:05 ℹ Link down",
    "- 20:15:10 ℹ Link down: x",
  ]);
});

Deno.test("createBatch() is as severe as the most severe, as old as the oldest, silent only if all are, and says what its items replaced", () => {
  const batch = createBatch([
    item({ severity: "warning", silent: true }, 2),
    { ...item({ severity: "error" }, 1), replaced: { count: 4, since: EVENING } },
    item({}, 3),
  ]);
  assertEquals([batch.severity, batch.silent, batch.time], ["error", false, EVENING + 1000]);
  assert(batch.message.includes("Link down (↻ replaces 4 earlier)"));
  assertEquals(createBatch([item({ silent: true }), item({ silent: true })]).silent, true);
});

Deno.test("createBatch() mentions the users whom a loud item mentions", () => {
  const { mentions } = createBatch([
    item({ mentions: ["@alice:example.org"] }),
    item({ mentions: ["@room", "@alice:example.org"] }),
    item({ mentions: ["@bob:example.org"], silent: true }),
  ]);
  assertEquals(mentions, ["@alice:example.org", "@room"]);
  assertEquals(createBatch([item({})]).mentions, undefined);
});

Deno.test("createBatch() shows dates if its items are from several days", () => {
  const batch = createBatch([item({}), item({ subject: "Next" }, 86_400)]);
  assertEquals(batch.message, "- 2026-11-22 20:15:00 ℹ Link down\n- 2026-11-23 20:15:00 ℹ Next");
});

Deno.test("renderBatch() makes an HTML list and escapes all texts", () => {
  const batch = createBatch([item({ subject: "<script>", message: 'a & "b"' })]);
  assertEquals(
    renderBatch(batch, () => true).html,
    "<ul><li>20:15:00 ℹ <strong>&lt;script&gt;</strong>: a &amp; &quot;b&quot;</li></ul>",
  );
});

Deno.test("renderBatch() shortens lines before it leaves any out", () => {
  const batch = createBatch(
    Array.from({ length: 40 }, (_, at) => item({ subject: `No ${at}`, message: "äß".repeat(300) })),
  );
  const within = (bytes: number) => renderBatch(batch, ({ text }) => byteLength(text) <= bytes).text;
  const wide = within(20_000), narrow = within(3500);
  assertEquals([wide, narrow].map((text) => text.split("\n").length), [40, 40]);
  assert(byteLength(wide) > 19_000 && byteLength(narrow) > 3300, "the lines use the room");
  assert(narrow.split("\n").every((line) => line.endsWith("…")));
  assertEquals(within(1e6).split("\n")[0], `- 20:15:00 ℹ No 0: ${"äß".repeat(300)}`);
});

Deno.test("renderBatch() leaves out the least severe lines first, and counts them", () => {
  const items = Array.from(
    { length: 300 },
    (_, at) =>
      item({ subject: `Number ${at}`, severity: at % 100 === 99 ? "error" : at % 3 === 0 ? "warning" : "info" }, at),
  );
  const batch = createBatch(items);
  const within = (bytes: number) => renderBatch(batch, ({ text }) => byteLength(text) <= bytes).text.split("\n");
  const lines = within(2000);
  assert(["Number 99", "Number 199", "Number 299"].every((name) => lines.some((line) => line.endsWith(name))));
  const [, left, info, warning] = /^… and (\d+) more from 20:15:\d\d to 20:19:\d\d: (?:(\d+) warning, )?(\d+) info$/
    .exec(lines.at(-1) ?? "")?.map(Number) ?? [];
  assertEquals(lines.length - 1 + left, 300, "each line is shown or counted");
  assertEquals((info || 0) + (warning || 0), left);
  assertEquals(within(10), ["… and 300 more from 20:15:00 to 20:19:59: 3 error, 99 warning, 198 info"]);
});
