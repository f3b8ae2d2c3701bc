/**
 * The ways in which channels send attachments: as separate messages, or inside the message. A
 * channel without a mode cannot send attachments.
 */

import { formatBytes } from "../base/count.ts";
import type { Attachment, Notification } from "./notification.ts";

/**
 * The way in which a channel sends attachments. `separate`: each attachment is a separate message
 * after the text. `inline`: the message contains the attachments.
 */
export type AttachmentMode = "separate" | "inline";

/** Formats an attachment as text: `report.pdf (12 KiB)`. */
export function formatAttachment({ name, size }: Pick<Attachment, "name" | "size">): string {
  return `${name} (${formatBytes(size)})`;
}

/**
 * Returns the messages that a channel sends for a notification with attachments, in the order of
 * sending.
 */
export function splitAttachments(notification: Notification, mode: AttachmentMode | undefined): Notification[] {
  const { attachments, ...text } = notification;
  if (mode !== "separate" || attachments === undefined) return [notification];
  const { link: _, mentions: __, resolves: ___, problems: ____, fullText, ...rest } = text;
  const files = attachments.map((file): Notification => {
    const isFullText = file.content === fullText?.content;
    return { ...rest, subject: `📎 ${file.name}`, message: "", file, ...(isFullText ? { isFullText } : {}) };
  });
  return [text, ...files];
}

/**
 * Adapts a queued notification to its channel: the configuration of the channel may have changed
 * since the notification was queued. If the channel cannot send the attachments, the text lists
 * their names.
 */
export function fitAttachments(notification: Notification, mode: AttachmentMode | undefined): Notification {
  const { attachments, file, ...rest } = notification;
  if (mode === "inline") return file ? { ...rest, attachments: [file] } : notification;
  if (mode === "separate" && attachments === undefined) return notification;
  const unsent = [...attachments ?? [], ...file ? [file] : []];
  return unsent.length === 0 ? notification : { ...rest, unsent: unsent.map(formatAttachment) };
}

/**
 * Removes `fullText` if the channel does not send the whole message as a file. The text then does
 * not mention the file.
 */
export function fitFullText(notification: Notification, mode: AttachmentMode | undefined): Notification {
  const { fullText, ...rest } = notification;
  const { attachments = [] } = rest;
  const isSent = mode === "separate" || attachments.some(({ content }) => content === fullText?.content);
  return isSent ? notification : rest;
}

/**
 * The timeout of a request grows by its base value for each 2 MiB of attachments.
 */
const BYTES_PER_TIMEOUT = 2 * 2 ** 20;

/** Returns the timeout of a request with attachments, in milliseconds. */
export function timeoutWithAttachments(timeoutMs: number, files: readonly Pick<Attachment, "size">[] = []): number {
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  return Math.round(timeoutMs * (1 + bytes / BYTES_PER_TIMEOUT));
}
