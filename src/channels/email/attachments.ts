/**
 * Sends a mail with files. If the server does not accept a mail of that size, the text is sent
 * without them.
 */

import { formatAttachment, timeoutWithAttachments } from "../../notification/attachment_mode.ts";
import { ResponseError } from "../../base/errors.ts";
import type { Attachment, Notification } from "../../notification/notification.ts";
import type { MailFile } from "./message.ts";
import type { FileReader } from "../kind.ts";

/** How to send a mail with files. */
export interface MailWithFiles {
  readonly timeoutMs: number;
  readonly files: FileReader;
  /** Reports a problem; delivery goes on. */
  readonly warn: (text: string) => void;
  /** Sends one mail. */
  readonly mail: (notification: Notification, attachments: readonly MailFile[], timeoutMs: number) => Promise<void>;
}

/**
 * Sends a notification with its files.
 *
 * @throws what `mail` throws
 * @throws {InvalidNotificationError} if a file is gone
 */
export async function mailWithFiles(notification: Notification, way: MailWithFiles): Promise<void> {
  const { timeoutMs, files, warn, mail } = way;
  const { attachments = [], ...text } = notification;
  try {
    const read = await Promise.all(attachments.map((file) => readFile(file, files)));
    await mail(notification, read, timeoutWithAttachments(timeoutMs, attachments));
  } catch (error) {
    if (!isTooLarge(error)) throw error;
    // Nothing was delivered, so the text can follow at once. It names the files that are missing.
    const unsent = attachments.map(formatAttachment);
    warn(`${error.message}; it is sent without ${unsent.join(", ")}`);
    await mail({ ...text, unsent }, [], timeoutMs);
  }
}

async function readFile(file: Attachment, files: FileReader): Promise<MailFile> {
  return { filename: file.name, contentType: file.type, content: await files.read(file) };
}

/** A server answers 552 to a mail that is too large. */
function isTooLarge(error: unknown): error is ResponseError {
  return error instanceof ResponseError && error.status === 552;
}
