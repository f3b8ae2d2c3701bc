import { assertEquals } from "@std/assert";
import {
  fitAttachments,
  formatAttachment,
  splitAttachments,
  timeoutWithAttachments,
} from "../../src/notification/attachment_mode.ts";
import { createNotification, type Notification } from "../../src/notification/notification.ts";
import { testFile } from "../fakes/files.ts";

const [GRAPH, TABLE] = [testFile("graph.png", "image/png", "not looked at"), testFile("a.csv", "text/csv", "a;b")];

/** A notification with everything that only a text should say. */
function said(more: Partial<Notification>): Notification {
  const input = { subject: "Load", message: "High", link: "https://example.org/", key: "load", resolves: true };
  return { ...createNotification({ ...input, severity: "error", silent: true }, 0), ...more };
}

Deno.test("splitFiles() makes a text and its files, where files go apart, and nothing else of them than files", () => {
  const notification = said({ attachments: [GRAPH, TABLE] });
  const [text, ...files] = splitAttachments(notification, "separate");
  assertEquals(text, said({}));
  assertEquals(files.map(({ subject, message, file }) => [subject, message, file]), [
    ["📎 graph.png", "", GRAPH],
    ["📎 a.csv", "", TABLE],
  ]);
  for (const { link, resolves, mentions, key, severity, silent } of files) {
    assertEquals([link, resolves, mentions, key, severity, silent], [
      ...[undefined, undefined, undefined, "load", "error", true],
    ]);
  }
  for (const mode of ["inline", undefined] as const) {
    assertEquals(splitAttachments(notification, mode), [notification]);
  }
});

Deno.test("carried() gives a channel what it can carry, whatever it could when that was queued", () => {
  const whole = said({ attachments: [GRAPH, TABLE] });
  const part = said({ file: TABLE });
  const labels = [GRAPH, TABLE].map(formatAttachment);
  assertEquals(fitAttachments(whole, "inline"), whole);
  assertEquals(fitAttachments(part, "inline"), said({ attachments: [TABLE] }));
  assertEquals(fitAttachments(part, "separate"), part);
  assertEquals(fitAttachments(whole, "separate"), said({ unsent: labels }));
  assertEquals(fitAttachments(whole, undefined), said({ unsent: labels }));
  assertEquals(fitAttachments(part, undefined), said({ unsent: [formatAttachment(TABLE)] }));
});

Deno.test("withFiles() gives a request more time for what is large", () => {
  assertEquals(timeoutWithAttachments(10_000), 10_000);
  assertEquals(timeoutWithAttachments(10_000, [{ size: 2 ** 21 }, { size: 2 ** 20 }]), 25_000);
});
