/** From what is to be said to what the queue keeps of it. */

import type { Envelope } from "./channels/channel.ts";
import type { Draft } from "./queue/queue_types.ts";

/**
 * Makes a draft.
 *
 * @param once the caller's own name for the notification; a file that goes by itself has one of its own, which no caller can give
 */
export function draftOf(envelope: Envelope, once: string | undefined): Draft {
  const { part } = envelope;
  const { expires, key, severity, attachments, file } = envelope.notification;
  const isUrgent = severity === "critical";
  const files = [...attachments ?? [], ...file ? [file] : []].map(({ content }) => content);
  const draft = { ...envelope, expires, key, isUrgent, files: files.length > 0 ? files : undefined };
  if (part !== undefined) return { ...draft, once: once && `${once} ${part}` };
  return { ...draft, replaces: key === undefined ? undefined : true, once };
}
