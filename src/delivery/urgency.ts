/** What does not wait for anybody's convenience. */

import { isNotification } from "../notification/notification.ts";
import type { Entry } from "../queue/entry.ts";

/** Whether an entry never waits for quiet or pace. */
export function isUrgent({ forced, notification }: Pick<Entry, "forced" | "notification">): boolean {
  return forced === true || isCritical(notification);
}

/** Whether what was said is critical. */
export function isCritical(notification: unknown): boolean {
  return isNotification(notification) && notification.severity === "critical";
}
