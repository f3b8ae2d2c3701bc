/**
 * From a mail to a notification. Who it is addressed to says nothing here: that is what channels are for.
 *
 * @module
 */

import { loadMarkup } from "../../markup/load.ts";
import {
  type Format,
  MAX_MESSAGE_BYTES,
  MAX_SUBJECT_BYTES,
  type NotificationInput,
  printableText,
} from "../../notification/notification.ts";
import { byteLength, codeToHtml, cutToBytes, escapeHtml } from "../../notification/render.ts";
import { fileOf, filesOf, showAttachments, type ShownAttachment } from "./attachments.ts";
import type { Mail, Urgency } from "./mail.ts";

/** What the caller of sendmail says besides. */
export interface MailContext {
  /** The sender's name, for a mail that has none (`-F`, or else `-f`). */
  readonly sender?: string;
  /** Whether its attachments go as files; else they are named. @default {true} */
  readonly sendsFiles?: boolean;
}

const SEVERITIES = { low: "info", normal: "info", high: "error", highest: "critical" } as const satisfies Record<
  Urgency,
  string
>;

/** Makes a notification of a mail; nothing in a mail makes it one that is refused. */
export async function mailNotification(mail: Mail, context: MailContext): Promise<NotificationInput> {
  const { sender, sendsFiles = true } = context;
  const files = sendsFiles ? filesOf(mail.attachments) : [];
  const origin = headerText(mail.from ?? "") || headerText(sender ?? "");
  return {
    subject: headerText(mail.subject ?? "") || "(no subject)",
    ...await messageOf(mail, showAttachments(mail.attachments, files)),
    severity: SEVERITIES[mail.urgency],
    silent: mail.urgency === "low",
    ...(origin === "" ? {} : { origin }),
    ...(files.length === 0 ? {} : { attachments: files.map(fileOf) }),
  };
}

/** One line that is not too long. */
function headerText(text: string): string {
  const line = printableText(text).replace(/\s+/g, " ").trim();
  if (byteLength(line) <= MAX_SUBJECT_BYTES) return line;
  const { read } = new TextEncoder().encodeInto(line, new Uint8Array(MAX_SUBJECT_BYTES - byteLength("…")));
  return `${line.slice(0, read)}…`;
}

type Message = Pick<NotificationInput, "message" | "format">;

/** The plain text is what its writer meant to be read anywhere; the HTML counts where there is no other. */
async function messageOf(mail: Mail, attachments: readonly ShownAttachment[]): Promise<Message> {
  const text = mail.text ?? "";
  if (text.trim() === "" && mail.html !== undefined) {
    const html = printableText(mail.html) + attachments.map(attachmentHtml).join("");
    if (byteLength(html) <= MAX_MESSAGE_BYTES) return { message: html, format: "html" };
    return plainMessage(await reduced(mail.html), attachments);
  }
  return plainMessage(text, attachments);
}

function plainMessage(text: string, attachments: readonly ShownAttachment[]): Message {
  const after = attachments.map(({ line, text }) => (text ? `${line}\n${text}` : line)).join("\n\n");
  const before = printableText(text).replace(/\r\n?/g, "\n").replace(/^\s*\n/, "").trimEnd();
  const room = MAX_MESSAGE_BYTES - byteLength(after) - 2;
  const message = [cutToBytes(before, room), after].filter((part) => part !== "").join("\n\n");
  return { message, format: formatOf(message) };
}

/** Columns and indentation are lost unless the text is shown verbatim; prose is easier to read when it is not. */
function formatOf(text: string): Format {
  return /^[ \t]+\S|\S(\t|[ ]{2,})\S(?<![.!?:][ ]{2}\S)/m.test(text) ? "code" : "text";
}

function attachmentHtml({ line, text }: ShownAttachment): string {
  return `<p>${escapeHtml(line)}</p>${text ? codeToHtml(text) : ""}`;
}

/** HTML that is too long is not cut in the middle of whatever it says about its looks. */
async function reduced(html: string): Promise<string> {
  try {
    return (await loadMarkup("html"))(html).text;
  } catch {
    return html;
  }
}
