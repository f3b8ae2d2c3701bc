/**
 * Incidents: notifications with the same key, from the first notification to the notification that
 * resolves the incident. No side effects.
 *
 * @module
 */

import { formatDuration } from "../base/duration.ts";
import type { Notification } from "./notification.ts";

/** The maximum length of a title, in characters. */
const MAX_TITLE = 100;

/**
 * Returns the title of an incident: the subject of its first notification. A long subject is cut.
 */
export function incidentTitle({ subject }: Notification): string {
  const characters = Array.from(subject);
  return characters.length <= MAX_TITLE ? subject : `${characters.slice(0, MAX_TITLE - 1).join("")}…`;
}

/**
 * Puts "✅ Resolved" before the subject of a notification that resolves an incident.
 *
 * @param lastedMs how long the incident lasted, in milliseconds; undefined if the duration is
 * unknown
 */
export function withResolution(notification: Notification, lastedMs?: number): Notification {
  if (!notification.resolves) return notification;
  const lasted = lastedMs === undefined ? "" : ` after ${formatDuration(lastedMs)}`;
  return { ...notification, subject: `✅ Resolved${lasted}: ${notification.subject}` };
}
