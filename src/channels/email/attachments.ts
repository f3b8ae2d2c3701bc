/**
 * Sends a mail with files. If the mail is too large for the server, the text is sent without the
 * files.
 */

import { formatAttachment, timeoutWithAttachments } from "../../notification/attachment_mode.ts";
import type { Attachment, Notification } from "../../notification/notification.ts";
import type { MailFile } from "./message.ts";
import type { FileReader } from "../kind.ts";
import { isTooLarge } from "./smtp_errors.ts";

/** The input for sending a mail with files. */
export interface MailWithFiles {
  readonly timeoutMs: number;
  readonly files: FileReader;
  /** Reports a problem that does not stop the delivery. */
  readonly warn: (text: string) => void;
  /** Sends one mail. */
  readonly mail: (notification: Notification, attachments: readonly MailFile[], timeoutMs: number) => Promise<void>;
}

/**
 * Sends a notification with its files.
 *
 * @throws any error of `mail`
 * @throws {InvalidNotificationError} if a file is missing or has changed
 */
export async function mailWithFiles(notification: Notification, way: MailWithFiles): Promise<void> {
  const { timeoutMs, files, warn, mail } = way;
  const { attachments = [], ...text } = notification;
  try {
    const read = await Promise.all(attachments.map((file) => readFile(file, files)));
    await mail(notification, read, timeoutWithAttachments(timeoutMs, attachments));
  } catch (error) {
    if (!isTooLarge(error)) throw error;
    // The server refused the mail with the files, so send only the text. The text lists the files
    // that are left out.
    const unsent = attachments.map(formatAttachment);
    warn(`${error.message}; the mail is sent without ${unsent.join(", ")}`);
    await mail({ ...text, unsent }, [], timeoutMs);
  }
}

async function readFile(file: Attachment, files: FileReader): Promise<MailFile> {
  return { filename: file.name, contentType: file.type, content: await files.read(file) };
}
