/** From what is to be said to what the queue keeps of it. */

import type { Envelope } from "./channels/channel.ts";
import { titleOf } from "./incident.ts";
import type { Draft } from "./queue/queue_types.ts";

/**
 * Makes a draft.
 *
 * @param once the caller's own name for the notification
 */
export function draftOf(envelope: Envelope, once?: string): Draft {
  const { notification } = envelope;
  const { expires, key, resolves, severity } = notification;
  const keyed = key === undefined ? {} : { key, title: titleOf(notification), resolves, replaces: true } as const;
  return { ...envelope, expires, ...keyed, once, isUrgent: severity === "critical" };
}
