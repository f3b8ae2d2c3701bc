/** A mail with files: they go along with its text, or, where its server takes no mail of that size, the text goes without them. */

import { formatAttachment, timeoutWithAttachments } from "../../notification/attachment_mode.ts";
import { ResponseError } from "../../base/errors.ts";
import type { Attachment, Notification } from "../../notification/notification.ts";
import type { MailFile } from "./message.ts";
import type { FileReader } from "../kind.ts";

/** A mail on its way. */
export interface MailWithFiles {
  readonly timeoutMs: number;
  readonly files: FileReader;
  /** Says something to whoever runs this; delivery goes on. */
  readonly warn: (text: string) => void;
  /** Hands over a mail. */
  readonly mail: (notification: Notification, attachments: readonly MailFile[], timeoutMs: number) => Promise<void>;
}

/**
 * Mails a notification with its files.
 *
 * @throws whatever `mail` throws
 * @throws {InvalidNotificationError} when a file is not there any more
 */
export async function mailWithFiles(notification: Notification, way: MailWithFiles): Promise<void> {
  const { timeoutMs, files, warn, mail } = way;
  const { attachments = [], ...text } = notification;
  try {
    const read = await Promise.all(attachments.map((file) => readFile(file, files)));
    await mail(notification, read, timeoutWithAttachments(timeoutMs, attachments));
  } catch (error) {
    if (!isTooLarge(error)) throw error;
    // It was not delivered, so that its text may follow at once, which says what is missing.
    const unsent = attachments.map(formatAttachment);
    warn(`${error.message}; it is sent without ${unsent.join(", ")}`);
    await mail({ ...text, unsent }, [], timeoutMs);
  }
}

async function readFile(file: Attachment, files: FileReader): Promise<MailFile> {
  return { filename: file.name, contentType: file.type, content: await files.read(file) };
}

/** 552 is what a server says of a mail that is larger than it takes. */
function isTooLarge(error: unknown): error is ResponseError {
  return error instanceof ResponseError && error.status === 552;
}
