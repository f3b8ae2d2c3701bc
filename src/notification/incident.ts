/**
 * Incidents: notifications with the same key, from the first one to the one that resolves them.
 * Pure.
 *
 * @module
 */

import { formatDuration } from "../base/duration.ts";
import type { Notification } from "./notification.ts";

/** The longest title, in characters. */
const MAX_TITLE = 100;

/** The title of an incident: the subject of its first notification, shortened. */
export function incidentTitle({ subject }: Notification): string {
  const characters = Array.from(subject);
  return characters.length <= MAX_TITLE ? subject : `${characters.slice(0, MAX_TITLE - 1).join("")}…`;
}

/**
 * Puts "✅ Resolved" before the subject of a notification that resolves an incident.
 *
 * @param lastedMs how long the incident lasted; undefined if that is unknown
 */
export function withResolution(notification: Notification, lastedMs?: number): Notification {
  if (!notification.resolves) return notification;
  const lasted = lastedMs === undefined ? "" : ` after ${formatDuration(lastedMs)}`;
  return { ...notification, subject: `✅ Resolved${lasted}: ${notification.subject}` };
}
