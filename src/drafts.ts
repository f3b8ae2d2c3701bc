/** From what is to be said to what the queue keeps of it. */

import type { Envelope } from "./channels/channel.ts";
import type { Draft } from "./queue/queue_types.ts";

/**
 * Makes a draft.
 *
 * @param once the caller's own name for the notification
 */
export function draftOf(envelope: Envelope, once: string | undefined): Draft {
  const { expires, key, severity } = envelope.notification;
  const replaces = key === undefined ? undefined : true;
  return { ...envelope, expires, key, replaces, once, isUrgent: severity === "critical" };
}
