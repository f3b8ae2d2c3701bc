/**
 * Turns a mail into a notification. The recipients of the mail are ignored. The notification is
 * sent to the configured destinations of the channels.
 */

import type { Format, NotificationInput } from "../../notification/notification.ts";
import { codeToHtml, escapeHtml } from "../../notification/render.ts";
import { readableLine, readableText } from "../../notification/text.ts";
import { chooseAttachments, showAttachments, type ShownAttachment, toAttachmentInput } from "./attachments.ts";
import type { Mail, Urgency } from "./mail.ts";

/** The information from the command line of sendmail. */
export interface MailContext {
  /** The sender for a mail without `From`: the value of `-F`, or of `-f` if `-F` is missing. */
  readonly sender?: string;
}

/** The input of a notification whose message is decoded. */
export interface MailNotification extends NotificationInput {
  readonly message: string;
}

const SEVERITIES = { low: "info", normal: "info", high: "error", highest: "critical" } as const satisfies Record<
  Urgency,
  string
>;

/**
 * Turns a mail into the input of a notification. `createNotification()` accepts this input for
 * every possible mail.
 */
export function toMailNotification(mail: Mail, { sender }: MailContext): MailNotification {
  const files = chooseAttachments(mail.attachments);
  const origin = readableLine(mail.from ?? "") || readableLine(sender ?? "");
  return {
    subject: readableLine(mail.subject ?? "") || "(no subject)",
    ...toMessage(mail, showAttachments(mail.attachments, files)),
    severity: SEVERITIES[mail.urgency],
    silent: mail.urgency === "low",
    ...(origin === "" ? {} : { origin }),
    ...(files.length === 0 ? {} : { attachments: files.map(toAttachmentInput) }),
  };
}

type Message = Pick<MailNotification, "message" | "format">;

/** Chooses the text of the message: the plain text, or the HTML if the plain text is empty. */
function toMessage(mail: Mail, attachments: readonly ShownAttachment[]): Message {
  const text = mail.text ?? "";
  if (text.trim() === "" && mail.html !== undefined) {
    const html = readableText(mail.html.replace(/\r\n?/g, "\n")) + attachments.map(toHtml).join("");
    return { message: html, format: "html" };
  }
  return toPlainMessage(text, attachments);
}

function toPlainMessage(text: string, attachments: readonly ShownAttachment[]): Message {
  const after = attachments.map(({ line, text }) => (text ? `${line}\n${text}` : line)).join("\n\n");
  const before = readableText(text).replace(/^\s*\n/, "").trimEnd();
  const message = [before, after].filter((part) => part !== "").join("\n\n");
  return { message, format: chooseFormat(message) };
}

/**
 * Chooses the format: `code` for text with columns or indentation, because the format `text` would
 * not show the columns; `text` for every other text.
 */
function chooseFormat(text: string): Format {
  return /^[ \t]+\S|\S(\t|[ ]{2,})\S(?<![.!?:][ ]{2}\S)/m.test(text) ? "code" : "text";
}

function toHtml({ line, text }: ShownAttachment): string {
  return `<p>${escapeHtml(line)}</p>${text ? codeToHtml(text) : ""}`;
}
