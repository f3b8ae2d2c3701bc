/**
 * What hangs together by a key: it fires, perhaps again, and is resolved. Pure.
 *
 * @module
 */

import { formatDuration } from "../base/duration.ts";
import type { Notification } from "./notification.ts";

/** What a destination was told under a key before, and not yet that it is over. */
export interface Incident {
  /** The proof of the first delivery. */
  readonly receipt: string;
  /** Whether others were delivered with the first one, in a digest. */
  readonly isShared?: boolean;
  /** What the first one was called. */
  readonly title: string;
  /** Since when it lasts, milliseconds since 1970. */
  readonly since: number;
  /** How many were delivered. */
  readonly count: number;
}

/** A title has no more characters than this. */
const MAX_TITLE = 100;

/** What to call a notification when a later one relates to it. */
export function incidentTitle({ subject }: Notification): string {
  const characters = Array.from(subject);
  return characters.length <= MAX_TITLE ? subject : `${characters.slice(0, MAX_TITLE - 1).join("")}…`;
}

/**
 * A notification as people are to see it: what resolves says so in its subject.
 *
 * @param lastedMs how long that lasted; undefined when nobody knows
 */
export function withResolution(notification: Notification, lastedMs?: number): Notification {
  if (!notification.resolves) return notification;
  const lasted = lastedMs === undefined ? "" : ` after ${formatDuration(lastedMs)}`;
  return { ...notification, subject: `✅ Resolved${lasted}: ${notification.subject}` };
}
