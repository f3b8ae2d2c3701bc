import { assertEquals } from "@std/assert";
import { createNotification, SEVERITIES } from "../../src/notification/notification.ts";
import {
  formatTitle,
  formatTitleBesideSubject,
  TITLE_WITHOUT_SYMBOL,
  titleProblem,
} from "../../src/notification/title.ts";
import { withResolution } from "../../src/notification/incident.ts";

const FAILED = { subject: "Backup failed", severity: "error" } as const;

function titleOf(titleTemplate: string, notification: Parameters<typeof formatTitle>[0] = FAILED): string {
  return formatTitle(notification, { identity: "jump", titleTemplate });
}

Deno.test("formatTitle() shows each severity except info as a symbol", () => {
  const titles = SEVERITIES.map((severity) => formatTitle({ subject: "Disk", severity }, { identity: "jump" }));
  assertEquals(titles, ["[jump] Disk", "[jump] ⚠️ Disk", "[jump] ❌ Disk", "[jump] 🚨 Disk"]);
});

Deno.test("formatTitle() does not repeat a symbol with which the subject begins", () => {
  for (const subject of ["⚠️ Disk", "⚠ Disk"]) {
    assertEquals(formatTitle({ subject, severity: "warning" }, { identity: "jump" }), `[jump] ${subject}`);
  }
});

Deno.test('formatTitle() shows only "✅ Resolved" when an incident is resolved', () => {
  const notification = createNotification({ ...FAILED, key: "backup", resolves: true }, 0);
  assertEquals(
    formatTitle(withResolution(notification, 300_000), { identity: "jump" }),
    "[jump] ✅ Resolved after 5 min: Backup failed",
  );
});

Deno.test("formatTitle() replaces all placeholders, and leaves out brackets around a missing value", () => {
  const template = "{symbol}{severity}: {subject} [{origin}] ({key}) {identity}";
  assertEquals(
    titleOf(template, { ...FAILED, origin: "cron", key: "b" }),
    "❌ error: Backup failed [cron] (b) jump",
  );
  assertEquals(titleOf(template), "❌ error: Backup failed jump");
});

Deno.test("formatTitle() does not replace placeholders that are part of a value", () => {
  assertEquals(
    titleOf("[{origin}] {subject}", { subject: "{key} $& {{", severity: "info", origin: "$1" }),
    "[$1] {key} $& {{",
  );
});

Deno.test("formatTitle() shows the blanks of a subject as they were written", () => {
  assertEquals(titleOf("{subject}  ({key}) {identity}", { subject: "a   b", severity: "info" }), "a   b jump");
});

Deno.test("formatTitleBesideSubject() does not repeat the subject", () => {
  const besideSubject = (titleTemplate: string) =>
    formatTitleBesideSubject(FAILED, { identity: "jump", titleTemplate });
  assertEquals(
    [TITLE_WITHOUT_SYMBOL, "{symbol}{identity}: {subject}", "{subject}"].map(besideSubject),
    ["jump", "❌ jump:", "jump"],
  );
});

Deno.test("titleProblem() finds unknown placeholders, single braces, line breaks and a missing subject", () => {
  const problems: readonly (readonly [string, string | undefined, string?])[] = [
    ["{symbol}{subject}", undefined],
    ["{subject} {orgin}", "{orgin} is not a known placeholder", "did you mean {origin}?"],
    ["{subject} { Key }", "{ Key } is not a known placeholder", "did you mean {key}?"],
    [
      "{subject} {weather}",
      "{weather} is not a known placeholder",
      "known placeholders: {identity}, {symbol}, {subject}, {severity}, {origin}, {key}",
    ],
    ["{{subject}}", "it has a brace that does not belong to a placeholder"],
    ["{subject} {", "it has a brace that does not belong to a placeholder"],
    ["[{identity}]", "it does not contain {subject}", "without {subject}, readers do not see the subject"],
    ["{subject}\n{origin}", "it must be one line without control characters"],
  ];
  for (const [template, problem, hint] of problems) {
    const found = titleProblem(template);
    assertEquals(found?.problem, problem, template);
    if (hint !== undefined) assertEquals(found?.hint, hint);
  }
});
