/**
 * What is attached to a mail. As much as a notification may have goes with it as files; a small text is shown besides. What does not go is named, by name, type
 * and size.
 *
 * @module
 */

import { type AttachmentInput, MAX_FILE_BYTES, MAX_FILES, printableText } from "../../notification/notification.ts";
import { byteLength, formatBytes } from "../../notification/render.ts";
import type { MailAttachment } from "./mail.ts";

/** An attachment for people. */
export interface ShownAttachment {
  /** `📎 report.csv (text/csv, 1.5 KiB)`, or how many more there are. */
  readonly line: string;
  /** What is in it; undefined when it is no small text. */
  readonly text?: string;
}

/** A text that is longer is only named. */
const MAX_INLINE_BYTES = 4 * 1024;

/** All texts together; the mail's own text has the rest of the room. */
const MAX_INLINE_TOTAL_BYTES = 16 * 1024;

/** Whoever attaches more has them counted. */
const MAX_LINES = 20;

const MAX_NAME_CHARS = 120;

/** Chooses the attachments that go as files. */
export function filesOf(attachments: readonly MailAttachment[]): MailAttachment[] {
  return attachments.filter(({ content }) => content.length > 0 && content.length <= MAX_FILE_BYTES).slice(
    0,
    MAX_FILES,
  );
}

/** An attachment as a file. What its sender says of its type counts less than what is in it. */
export function fileOf({ name, content }: MailAttachment): AttachmentInput {
  return { name, bytes: content };
}

/**
 * Says what is attached.
 *
 * @param sent those that go as files
 */
export function showAttachments(
  attachments: readonly MailAttachment[],
  sent: readonly MailAttachment[] = [],
): ShownAttachment[] {
  let room = MAX_INLINE_TOTAL_BYTES;
  const all = attachments.map((attachment) => {
    const { name = "unnamed", type, content } = attachment;
    const text = textOf(attachment);
    const isInline = text !== undefined && byteLength(text) <= room;
    if (isInline) room -= byteLength(text);
    const line = `📎 ${oneLine(name)} (${oneLine(type)}, ${formatBytes(content.length)})`;
    return { line, isSent: sent.includes(attachment), ...(isInline ? { text } : {}) };
  });
  // Of a file that is sent nothing has to be said.
  const told = all.filter(({ isSent, text }) => !isSent || text).map(({ isSent: _, ...shown }) => shown);
  const more = told.length - MAX_LINES;
  return more <= 0 ? told : [...told.slice(0, MAX_LINES), { line: `📎 and ${more} more` }];
}

/** A name must not begin a line of its own, nor turn the direction of what follows it. */
function oneLine(text: string): string {
  const line = text.toWellFormed().replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ").trim();
  return line.length > MAX_NAME_CHARS ? `${line.slice(0, MAX_NAME_CHARS).toWellFormed()}…` : line;
}

function textOf({ type, content }: MailAttachment): string | undefined {
  if (!/^(text\/|application\/(json|xml|yaml)$)/.test(type) || content.length > MAX_INLINE_BYTES) return undefined;
  try {
    return printableText(new TextDecoder("utf-8", { fatal: true }).decode(content)).trimEnd();
  } catch {
    return undefined;
  }
}
