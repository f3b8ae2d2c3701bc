/**
 * How a channel takes attachments: each as a message of its own, inside the message, or not at all.
 * Pure.
 */

import type { Attachment, Notification } from "./notification.ts";
import { formatBytes } from "./render.ts";

/**
 * `separate`: each attachment is a message of its own after its text. `inline`: the message
 * contains them.
 */
export type AttachmentMode = "separate" | "inline";

/** An attachment as text: `report.pdf (12.0 KiB)`. */
export function formatAttachment({ name, size }: Pick<Attachment, "name" | "size">): string {
  return `${name} (${formatBytes(size)})`;
}

/** The messages that a channel sends for a notification with attachments, in order. */
export function splitAttachments(notification: Notification, mode: AttachmentMode | undefined): Notification[] {
  const { attachments, ...text } = notification;
  if (mode !== "separate" || attachments === undefined) return [notification];
  const { link: _, mentions: __, resolves: ___, ...rest } = text;
  return [text, ...attachments.map((file) => ({ ...rest, subject: `📎 ${file.name}`, message: "", file }))];
}

/**
 * Adapts a queued notification to its channel, whose configuration may have changed since.
 * Attachments that the channel cannot take are listed in the text.
 */
export function fitAttachments(notification: Notification, mode: AttachmentMode | undefined): Notification {
  const { attachments, file, ...rest } = notification;
  if (mode === "inline") return file ? { ...rest, attachments: [file] } : notification;
  if (mode === "separate" && attachments === undefined) return notification;
  const unsent = [...attachments ?? [], ...file ? [file] : []];
  return unsent.length === 0 ? notification : { ...rest, unsent: unsent.map(formatAttachment) };
}

/** So many bytes of attachments double the timeout of a request. */
const BYTES_PER_TIMEOUT = 2 * 2 ** 20;

/** The timeout of a request with attachments, milliseconds. */
export function timeoutWithAttachments(timeoutMs: number, files: readonly Pick<Attachment, "size">[] = []): number {
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  return Math.round(timeoutMs * (1 + bytes / BYTES_PER_TIMEOUT));
}
