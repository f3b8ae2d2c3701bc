/**
 * The attachments of a mail. A notification sends as many as it may have, and shows short texts
 * too. It lists those that it does not send, with name, type and size.
 *
 * @module
 */

import { type AttachmentInput, MAX_FILE_BYTES, MAX_FILES, printableText } from "../../notification/notification.ts";
import { byteLength, formatBytes } from "../../notification/render.ts";
import type { MailAttachment } from "./mail.ts";

/** An attachment as the message shows it. */
export interface ShownAttachment {
  /** `📎 report.csv (text/csv, 1.5 KiB)`, or the number of further attachments. */
  readonly line: string;
  /** Its content; undefined if it is not a short text. */
  readonly text?: string;
}

/** The size limit of a text that is shown. */
const MAX_INLINE_BYTES = 4 * 1024;

/** The size limit of all texts together. The mail's own text gets the rest of the space. */
const MAX_INLINE_TOTAL_BYTES = 16 * 1024;

/** Further attachments are counted, not listed. */
const MAX_LINES = 20;

const MAX_NAME_CHARS = 120;

/** Returns the attachments that are sent. */
export function chooseAttachments(attachments: readonly MailAttachment[]): MailAttachment[] {
  return attachments.filter(({ content }) => content.length > 0 && content.length <= MAX_FILE_BYTES).slice(
    0,
    MAX_FILES,
  );
}

/**
 * Turns a mail's attachment into a notification's. Its content decides its type, not its sender.
 */
export function toAttachmentInput({ name, content }: MailAttachment): AttachmentInput {
  return { name, bytes: content };
}

/**
 * Describes attachments.
 *
 * @param attachments all attachments of the mail
 * @param sent those that are sent
 */
export function showAttachments(
  attachments: readonly MailAttachment[],
  sent: readonly MailAttachment[] = [],
): ShownAttachment[] {
  let room = MAX_INLINE_TOTAL_BYTES;
  const all = attachments.map((attachment) => {
    const { name = "unnamed", type, content } = attachment;
    const text = decodeText(attachment);
    const isInline = text !== undefined && byteLength(text) <= room;
    if (isInline) room -= byteLength(text);
    const line = `📎 ${oneLine(name)} (${oneLine(type)}, ${formatBytes(content.length)})`;
    return { line, isSent: sent.includes(attachment), ...(isInline ? { text } : {}) };
  });
  // An attachment that is sent shows itself.
  const shown = all.filter(({ isSent, text }) => !isSent || text).map(({ isSent: _, ...rest }) => rest);
  const more = shown.length - MAX_LINES;
  return more <= 0 ? shown : [...shown.slice(0, MAX_LINES), { line: `📎 and ${more} more` }];
}

/** Removes line breaks and characters that change the direction of the text. */
function oneLine(text: string): string {
  const line = text.toWellFormed().replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ").trim();
  return line.length > MAX_NAME_CHARS ? `${line.slice(0, MAX_NAME_CHARS).toWellFormed()}…` : line;
}

function decodeText({ type, content }: MailAttachment): string | undefined {
  if (!/^(text\/|application\/(json|xml|yaml)$)/.test(type) || content.length > MAX_INLINE_BYTES) return undefined;
  try {
    return printableText(new TextDecoder("utf-8", { fatal: true }).decode(content)).trimEnd();
  } catch {
    return undefined;
  }
}
