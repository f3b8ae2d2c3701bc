import { assertEquals } from "@std/assert";
import { formatTime } from "../../src/base/time.ts";
import type { View } from "../../src/cli/outcomes.ts";
import { formatEntry, formatList } from "../../src/cli/queue_text.ts";
import { createNotification, type NotificationInput } from "../../src/notification/notification.ts";
import type { LiveEntry, QueuedEntry } from "../../src/notifier/outcomes.ts";
import { TEST_TIME } from "../fakes/runtime.ts";

const HOUR = 3_600_000;
const VIEW: View = {
  now: TEST_TIME,
  ui: { paint: (text) => text },
  destinations: { formatDestination: (destination) => destination === "!abc" ? "Alerts (!abc)" : destination },
};

let count = 0;

function entry(input: NotificationInput, fields: Partial<LiveEntry> = {}): LiveEntry {
  const time = TEST_TIME - 2 * HOUR;
  return {
    id: `${++count}0000000-more`,
    channel: "matrix",
    destination: "!abc",
    time,
    expires: time + 14 * 24 * HOUR,
    attempts: 1,
    // The queue may contain a text that was not cleaned.
    notification: { ...createNotification(input, time), subject: input.subject, message: String(input.message ?? "") },
    state: "deferred",
    reason: "Connection refused",
    next: TEST_TIME + 1000,
    ...fields,
  };
}

Deno.test("formatList() shows the reason of all entries of a lane once, and a dead letter under its own reason", () => {
  count = 0;
  const dead: QueuedEntry = { ...entry({ subject: "Big" }), state: "dead", reason: "M_TOO_LARGE" };
  const entries = [
    dead,
    entry({ subject: "One", severity: "error" }),
    entry({ subject: "Topic" }, {
      channel: "phone",
      destination: "alerts",
      state: "queued",
      reason: undefined,
      next: 0,
    }),
    entry({ subject: "Two", key: "two", resolves: true }, { state: "queued" }),
  ];
  assertEquals(formatList(entries, VIEW), [
    "matrix Alerts (!abc)",
    "  M_TOO_LARGE",
    "    10000000  dead              2 h  Big",
    `  Connection refused; next try at ${formatTime(TEST_TIME + 1000, { now: TEST_TIME })} (in 1 s)`,
    "    20000000  deferred          2 h  ❌ One",
    "    40000000  queued            2 h  ✅ Resolved: Two",
    "phone alerts",
    "  Not tried yet",
    "    30000000  queued            2 h  Topic",
  ]);
});

Deno.test("formatList() shows entries that this version cannot read, without control characters", () => {
  count = 0;
  // deno-lint-ignore no-explicit-any
  const entries = [entry({ subject: "x" }, { notification: null as any }), entry({ subject: "a\x1b[2Jb" })];
  assertEquals(formatList(entries, VIEW).slice(2), [
    "    10000000  deferred          2 h  (not readable)",
    "    20000000  deferred          2 h  a [2Jb",
  ]);
});

Deno.test("formatEntry() shows all values with their names, and the message with its line breaks", () => {
  count = 0;
  const input: NotificationInput = {
    ...{ subject: "Backup failed", message: "a\n\tb\x07c", format: "code", severity: "error" },
    ...{ origin: "cron", key: "backup", link: "https://example.org/" },
  };
  const shown = entry(input, { key: "backup", next: TEST_TIME + 20 * HOUR });
  assertEquals(formatEntry(shown, VIEW), [
    "id        10000000-more",
    "to        matrix Alerts (!abc)",
    "state     deferred, 1 attempt",
    "reason    Connection refused",
    `next try  at ${formatTime(TEST_TIME + 20 * HOUR)} (in 20 h)`,
    `queued    ${formatTime(TEST_TIME - 2 * HOUR, { now: TEST_TIME })} (2 h ago)`,
    `expires   ${formatTime(TEST_TIME + 334 * HOUR)} (in 13 d 22 h)`,
    "severity  error",
    "origin    cron",
    "key       backup",
    "link      https://example.org/",
    "subject   Backup failed",
    "message   code",
    "  a",
    "  \tb c",
  ]);
});

Deno.test("formatEntry() lists the members of a batch", () => {
  count = 0;
  const members = [entry({ subject: "One" }), entry({ subject: "Two", severity: "warning" })];
  const lines = formatEntry(entry({ subject: "2 notifications", message: "text" }, { members }), VIEW);
  assertEquals(lines.slice(-3), [
    "subject   2 notifications",
    "  10000000  deferred          2 h  One",
    "  20000000  deferred          2 h  ⚠️ Two",
  ]);
});
