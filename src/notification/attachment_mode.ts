/** How channels carry files: each by itself, along with the text, or not at all. Pure. */

import type { Attachment, Notification } from "./notification.ts";
import { formatBytes } from "./render.ts";

/** Each file by itself behind its text, or all of them along with it. */
export type AttachmentMode = "separate" | "inline";

/** A file as people read of it: `report.pdf (12.0 KiB)`. */
export function formatAttachment({ name, size }: Pick<Attachment, "name" | "size">): string {
  return `${name} (${formatBytes(size)})`;
}

/** What a channel is to send for one notification with its files, in this order. */
export function splitAttachments(notification: Notification, mode: AttachmentMode | undefined): Notification[] {
  const { attachments, ...text } = notification;
  if (mode !== "separate" || attachments === undefined) return [notification];
  const { link: _, mentions: __, resolves: ___, ...bare } = text;
  return [text, ...attachments.map((file) => ({ ...bare, subject: `📎 ${file.name}`, message: "", file }))];
}

/**
 * What a channel can send of a notification with files, as it is now: the configuration may have changed since it was queued. What it cannot carry the text
 * names.
 */
export function fitAttachments(notification: Notification, mode: AttachmentMode | undefined): Notification {
  const { attachments, file, ...rest } = notification;
  if (mode === "inline") return file ? { ...rest, attachments: [file] } : notification;
  if (mode === "separate" && attachments === undefined) return notification;
  const left = [...attachments ?? [], ...file ? [file] : []];
  return left.length === 0 ? notification : { ...rest, unsent: left.map(formatAttachment) };
}

/** So much of a file has a request's whole time: one that is sent takes longer than a text. */
const BYTES_PER_TIMEOUT = 2 * 2 ** 20;

/** How long a request with files may take that has so long without them, milliseconds. */
export function timeoutWithAttachments(timeoutMs: number, files: readonly Pick<Attachment, "size">[] = []): number {
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  return Math.round(timeoutMs * (1 + bytes / BYTES_PER_TIMEOUT));
}
