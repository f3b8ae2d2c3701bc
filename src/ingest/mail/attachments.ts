/**
 * Handles the attachments of a mail. The notification gets the first attachments of the mail, up to
 * the maximum number. Empty attachments and attachments that are too large are not sent. The
 * message shows the content of short text files, and lists the name, type and size of attachments
 * that are not sent.
 *
 * @module
 */

import { type AttachmentInput, MAX_FILE_BYTES, MAX_FILES } from "../../notification/notification.ts";
import { formatBytes } from "../../notification/render.ts";
import { byteLength } from "../../notification/cut.ts";
import { readableText } from "../../notification/text.ts";
import { decodeCharset } from "./charset.ts";
import type { MailAttachment } from "./mail.ts";

/** An attachment that is shown in the message. */
export interface ShownAttachment {
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
 * The maximum total size of all shown attachments, in bytes. The remaining space is for the text of
 * the mail.
 */
const MAX_INLINE_TOTAL_BYTES = 16 * 1024;

/**
 * The maximum number of listed attachments. For further attachments, the message shows only their
 * number.
 */
const MAX_LINES = 20;

const MAX_NAME_CHARS = 120;

/** Returns the attachments of a mail that can be sent. */
export function chooseAttachments(attachments: readonly MailAttachment[]): MailAttachment[] {
  return attachments.filter(({ content }) => content.length > 0 && content.length <= MAX_FILE_BYTES).slice(
    0,
    MAX_FILES,
  );
}

/**
 * Turns an attachment of a mail into an attachment of a notification. The type is detected from the
 * content, and the type in the mail is ignored.
 */
export function toAttachmentInput({ name, content }: MailAttachment): AttachmentInput {
  return { name, bytes: content };
}

/**
 * Describes attachments for the message.
 *
 * @param attachments all attachments of the mail
 * @param sent the attachments that are sent
 */
export function showAttachments(
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
  const line = text.toWellFormed().replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ").trim();
  return line.length > MAX_NAME_CHARS ? `${line.slice(0, MAX_NAME_CHARS).toWellFormed()}…` : line;
}

/** Returns the text of a short text file; undefined for any other file. */
function readText({ type, charset, content }: MailAttachment): string | undefined {
  if (!/^(text\/|application\/(json|xml|yaml)$)/.test(type) || content.length > MAX_INLINE_BYTES) return undefined;
  return readableText(decodeCharset(content, charset)).trimEnd();
}
