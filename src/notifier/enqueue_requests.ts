/** From what is to be said to what the queue keeps of it. */

import type { Envelope } from "../channels/channel.ts";
import type { Plan } from "../routing/route.ts";
import { titleOf } from "../notification/incident.ts";
import type { Draft } from "../queue/queue_types.ts";

/**
 * Makes drafts of a plan: what goes out, and behind it what stands in for that.
 *
 * @param once the caller's own name for the notification; a file that goes by itself has one of its own, which no caller can give
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
function draftOf(envelope: Envelope, once: string | undefined): Draft {
  const { notification, part } = envelope;
  const { expires, key, resolves, severity, attachments, file } = notification;
  const files = [...attachments ?? [], ...file ? [file] : []].map(({ content }) => content);
  const common = {
    ...{ ...envelope, expires, isUrgent: severity === "critical" },
    ...(files.length === 0 ? {} : { files }),
  };
  // Whatever takes the place of its text takes that of the file too.
  if (part !== undefined) return { ...common, key, once: once && `${once} ${part}` };
  const keyed = key === undefined ? {} : { key, title: titleOf(notification), resolves, replaces: true } as const;
  return { ...common, ...keyed, once };
}
