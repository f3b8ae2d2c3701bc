/** From what is to be said to what the queue keeps of it. */

import type { Envelope } from "./channels/channel.ts";
import type { Plan } from "./channels/routing.ts";
import { titleOf } from "./incident.ts";
import type { Draft } from "./queue/queue_types.ts";

/**
 * Makes drafts of a plan: what goes out, and behind it what stands in for that.
 *
 * @param once the caller's own name for the notification
 */
export function draftsOf({ envelopes, fallbacks }: Plan, once: string | undefined): Draft[] {
  const drafts = new Map(envelopes.map((envelope) => [envelope, draftOf(envelope, once)]));
  const standIns = fallbacks.map(({ envelope, standsFor }): Draft => {
    const primaries = standsFor.flatMap(({ envelope, afterMs }) => {
      const draft = drafts.get(envelope);
      return draft === undefined ? [] : [{ draft, afterMs }];
    });
    return { ...draftOf(envelope, once), standsFor: primaries };
  });
  return [...drafts.values(), ...standIns];
}

/** Makes the draft of one envelope. */
export function draftOf(envelope: Envelope, once?: string): Draft {
  const { notification } = envelope;
  const { expires, key, resolves, severity } = notification;
  const keyed = key === undefined ? {} : { key, title: titleOf(notification), resolves, replaces: true } as const;
  return { ...envelope, expires, ...keyed, once, isUrgent: severity === "critical" };
}
