/** What is attached to a mail, as a notification tells of it: by name, type and size, and a small text whole. */

import { printableText } from "../../notification.ts";
import { byteLength } from "../../render.ts";
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

/** Says what is attached. */
export function showAttachments(attachments: readonly MailAttachment[]): ShownAttachment[] {
  let room = MAX_INLINE_TOTAL_BYTES;
  const shown = attachments.slice(0, MAX_LINES).map((attachment) => {
    const { name = "unnamed", type, content } = attachment;
    const text = textOf(attachment);
    const isInline = text !== undefined && byteLength(text) <= room;
    if (isInline) room -= byteLength(text);
    return {
      line: `📎 ${oneLine(name)} (${oneLine(type)}, ${formatBytes(content.length)})`,
      ...(isInline ? { text } : {}),
    };
  });
  const more = attachments.length - shown.length;
  return more === 0 ? shown : [...shown, { line: `📎 and ${more} more` }];
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

function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  const kib = bytes / 1024;
  return kib < 1024 ? `${kib.toFixed(1)} KiB` : `${(kib / 1024).toFixed(1)} MiB`;
}
