/**
 * Creates the note that is sent if a service refuses the file with the whole text of an alert. An
 * earlier message contained the shortened text and the name of the file.
 *
 * @module
 */

import { createNotification, isNotification } from "../notification/notification.ts";
import type { EnqueueRequest } from "../queue/change_records.ts";
import { type Entry, notificationOf } from "../queue/entry.ts";

/**
 * Creates the notification that replaces the file.
 *
 * @param entry the entry of the refused file
 * @param reason the reason why the service refused the file
 */
export function createRefusalNote(entry: Entry, reason: string): EnqueueRequest {
  const { channel, destination, expires, time } = entry;
  const original = notificationOf(entry);
  const file = isNotification(original) ? original.file : undefined;
  const notification = createNotification({
    subject: `📎 ${file?.name ?? "The file"} was not delivered`,
    message: `The text was cut, and the file with the whole text was refused: ${reason}`,
    silent: true,
  }, time);
  return { channel, destination, notification, expires };
}
