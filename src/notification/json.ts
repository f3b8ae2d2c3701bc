/** The JSON object of a notification, for programs. */

import { formatIsoTime } from "../base/time.ts";
import { withoutItems } from "./batch.ts";
import type { Notification } from "./notification.ts";

/** Creates the JSON object of a notification. `docs/json.md` describes its fields. */
export function toNotificationJson(notification: Notification): Readonly<Record<string, unknown>> {
  const { time, expires } = notification;
  return { ...withoutItems(notification), time: formatIsoTime(time), expires: formatIsoTime(expires) };
}
