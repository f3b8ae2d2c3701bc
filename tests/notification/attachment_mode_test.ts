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

/** A notification with all fields that only the text message should have. */
function createLoad(more: Partial<Notification>): Notification {
  const input = { subject: "Load", message: "High", link: "https://example.org/", key: "load", resolves: true };
  return { ...createNotification({ ...input, severity: "error", silent: true }, 0), ...more };
}

Deno.test("splitAttachments() makes a text and one notification for each attachment in mode separate", () => {
  const problems = ["Cannot attach b.csv: it is empty"];
  const notification = createLoad({ attachments: [GRAPH, TABLE], problems });
  const [text, ...files] = splitAttachments(notification, "separate");
  assertEquals(text, createLoad({ problems }));
  assertEquals(files.map(({ subject, message, file }) => [subject, message, file]), [
    ["📎 graph.png", "", GRAPH],
    ["📎 a.csv", "", TABLE],
  ]);
  for (const { link, resolves, mentions, problems, key, severity, silent } of files) {
    assertEquals([link, resolves, mentions, problems, key, severity, silent], [
      ...[undefined, undefined, undefined, undefined, "load", "error", true],
    ]);
  }
  for (const mode of ["inline", undefined] as const) {
    assertEquals(splitAttachments(notification, mode), [notification]);
  }
});

Deno.test("fitAttachments() adapts a notification to the current mode of its channel", () => {
  const whole = createLoad({ attachments: [GRAPH, TABLE] });
  const part = createLoad({ file: TABLE });
  const labels = [GRAPH, TABLE].map(formatAttachment);
  assertEquals(fitAttachments(whole, "inline"), whole);
  assertEquals(fitAttachments(part, "inline"), createLoad({ attachments: [TABLE] }));
  assertEquals(fitAttachments(part, "separate"), part);
  assertEquals(fitAttachments(whole, "separate"), createLoad({ unsent: labels }));
  assertEquals(fitAttachments(whole, undefined), createLoad({ unsent: labels }));
  assertEquals(fitAttachments(part, undefined), createLoad({ unsent: [formatAttachment(TABLE)] }));
});

Deno.test("timeoutWithAttachments() grows with the size of the attachments", () => {
  assertEquals(timeoutWithAttachments(10_000), 10_000);
  assertEquals(timeoutWithAttachments(10_000, [{ size: 2 ** 21 }, { size: 2 ** 20 }]), 25_000);
});
