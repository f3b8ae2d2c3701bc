/** From what is to be said to what the queue keeps of it. */

import type { Envelope } from "../channels/channel.ts";
import type { Plan } from "../routing/route.ts";
import { incidentTitle } from "../notification/incident.ts";
import type { EnqueueRequest } from "../queue/queue_types.ts";

/**
 * Makes drafts of a plan: what goes out, and behind it what stands in for that.
 *
 * @param once the caller's own name for the notification; a file that goes by itself has one of its own, which no caller can give
 */
export function enqueueRequests({ envelopes, fallbacks }: Plan, once: string | undefined): EnqueueRequest[] {
  const drafts = new Map(envelopes.map((envelope) => [envelope, draftOf(envelope, once)]));
  const standIns = fallbacks.map(({ envelope, primaries }): EnqueueRequest => {
    const requests = primaries.flatMap(({ envelope, afterMs }) => {
      const draft = drafts.get(envelope);
      return draft === undefined ? [] : [{ request: draft, afterMs }];
    });
    return { ...draftOf(envelope, once), primaries: requests };
  });
  return [...drafts.values(), ...standIns];
}

/** Makes the draft of one envelope. */
function draftOf(envelope: Envelope, once: string | undefined): EnqueueRequest {
  const { notification, attachmentIndex } = envelope;
  const { expires, key, resolves, severity, attachments, file } = notification;
  const files = [...attachments ?? [], ...file ? [file] : []].map(({ content }) => content);
  const common = {
    ...{ ...envelope, expires, isUrgent: severity === "critical" },
    ...(files.length === 0 ? {} : { files }),
  };
  // Whatever takes the place of its text takes that of the file too.
  if (attachmentIndex !== undefined) return { ...common, key, idempotencyKey: once && `${once} ${attachmentIndex}` };
  const keyed = key === undefined ? {} : { key, title: incidentTitle(notification), resolves, replaces: true } as const;
  return { ...common, ...keyed, idempotencyKey: once };
}
