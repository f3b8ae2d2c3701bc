/**
 * Turns a mail into a notification. The recipients of the mail are ignored. The notification is
 * sent to the configured destinations of the channels. It gets the first attachments of the mail,
 * up to the maximum number. Empty attachments and attachments that are too large are not sent. The
 * message shows the content of short text files, and lists the name, type and size of attachments
 * that are not sent.
 *
 * @module
 */

import { formatBytes } from "../../base/count.ts";
import { firstChars, printable } from "../../base/printable.ts";
import { byteLength } from "../../notification/cut.ts";
import {
  type AttachmentInput,
  type Format,
  MAX_FILE_BYTES,
  MAX_FILES,
  type NotificationInput,
} from "../../notification/notification.ts";
import { withoutBlankEnds } from "../../markup/markup.ts";
import { codeToHtml, escapeHtml } from "../../notification/render.ts";
import { readableLine, readableText } from "../../notification/text.ts";
import { decodeCharset } from "./charset.ts";
import type { Mail, MailAttachment, Urgency } from "./mail.ts";

/** The information from the command line of sendmail. */
export interface MailContext {
  /**
   * The sender for a mail without the header `From`. This is the value of the option `-F`, or of
   * `-f` if `-F` is missing.
   */
  readonly sender?: string;
}

/** The input of a notification whose message is a string, not bytes. */
export interface MailNotification extends NotificationInput {
  readonly message: string;
}

const SEVERITIES = { low: "info", normal: "info", high: "error", highest: "error" } as const satisfies Record<
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
  const before = withoutBlankEnds(readableText(text));
  const message = [before, after].filter((part) => part !== "").join("\n\n");
  return { message, format: chooseFormat(message) };
}

/**
 * Only the beginning of a text decides about its format. This is the length of the beginning, in
 * UTF-16 code units.
 */
const MAX_SAMPLE_CHARS = 64 * 1024;

/**
 * Chooses the format. Text with columns or indentation gets `code`, because `text` would not show
 * the columns. Every other text gets `text`.
 */
function chooseFormat(text: string): Format {
  return /^[ \t]+\S|\S(\t|[ ]{2,})\S(?<![.!?:][ ]{2}\S)/m.test(text.slice(0, MAX_SAMPLE_CHARS)) ? "code" : "text";
}

function toHtml({ line, text }: ShownAttachment): string {
  return `<p>${escapeHtml(line)}</p>${text ? codeToHtml(text) : ""}`;
}

/** An attachment that is shown in the message. */
interface ShownAttachment {
  /**
   * The description, such as `📎 report.csv (text/csv, 1.5 KiB)`, or the number of further
   * attachments.
   */
  readonly line: string;
  /**
   * The content; undefined if the attachment is not a short text, or if the message does not have
   * space for it.
   */
  readonly text?: string;
}

/** The maximum size of a text that is shown, in bytes. */
const MAX_INLINE_BYTES = 4 * 1024;

/**
 * The maximum total size of all shown attachments, in bytes. The text of the mail gets the
 * remaining space of the message.
 */
const MAX_INLINE_TOTAL_BYTES = 16 * 1024;

/**
 * The maximum number of listed attachments. For further attachments, the message shows only their
 * number.
 */
const MAX_LINES = 20;

const MAX_NAME_CHARS = 120;

/** Returns the attachments of a mail that can be sent. */
function chooseAttachments(attachments: readonly MailAttachment[]): MailAttachment[] {
  return attachments.filter(({ content }) => content.length > 0 && content.length <= MAX_FILE_BYTES).slice(
    0,
    MAX_FILES,
  );
}

/**
 * Turns an attachment of a mail into an attachment of a notification. The type is detected from the
 * content, and the type in the mail is ignored.
 */
function toAttachmentInput({ name, content }: MailAttachment): AttachmentInput {
  return { name, bytes: content };
}

/**
 * Describes attachments for the message.
 *
 * @param attachments all attachments of the mail
 * @param sent the attachments that are sent
 */
function showAttachments(
  attachments: readonly MailAttachment[],
  sent: readonly MailAttachment[] = [],
): ShownAttachment[] {
  let room = MAX_INLINE_TOTAL_BYTES;
  const all = attachments.map((attachment) => {
    const { name = "unnamed", type, content } = attachment;
    const text = readText(attachment);
    const isInline = text !== undefined && byteLength(text) <= room;
    if (isInline) room -= byteLength(text);
    const line = `📎 ${oneLine(name)} (${oneLine(type)}, ${formatBytes(content.length)})`;
    return { line, isSent: sent.includes(attachment), ...(isInline ? { text } : {}) };
  });
  // An attachment that is sent does not need a description, except if the message shows its text.
  const shown = all.filter(({ isSent, text }) => !isSent || text).map(({ isSent: _, ...rest }) => rest);
  const more = shown.length - MAX_LINES;
  return more <= 0 ? shown : [...shown.slice(0, MAX_LINES), { line: `📎 and ${more} more` }];
}

/** Removes line breaks and characters that change the direction of the text. */
function oneLine(text: string): string {
  const line = printable(text.toWellFormed()).trim();
  return line.length > MAX_NAME_CHARS ? `${firstChars(line, MAX_NAME_CHARS)}…` : line;
}

/** Returns the text of a short text file; undefined for any other file. */
function readText({ type, charset, content }: MailAttachment): string | undefined {
  if (!/^(text\/|application\/(json|xml|yaml)$)/.test(type) || content.length > MAX_INLINE_BYTES) return undefined;
  return readableText(decodeCharset(content, charset)).trimEnd();
}
