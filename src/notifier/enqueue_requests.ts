/**
 * Turns the plan of a notification into requests for the queue.
 *
 * @module
 */

import type { Envelope } from "../channels/channel.ts";
import { incidentTitle } from "../notification/incident.ts";
import { repairId } from "../notification/repair.ts";
import type { EnqueueRequest } from "../queue/change_records.ts";
import type { Plan } from "../routing/route.ts";

/** The options of a call that are stored in its entries. */
export interface Caller {
  /**
   * The idempotency key from the caller. Spaces in it are percent-encoded later. A separate message
   * for an attachment gets this key with a space and a number at the end.
   */
  readonly id?: string;
  /**
   * The name of the sender. Each sender has its own idempotency keys and incident keys.
   *
   * @default this user
   */
  readonly sender?: string;
}

/** Returns the idempotency key: the id from the caller, and the name of the sender if it is set. */
export function idOfCaller({ id: given, sender }: Caller): string | undefined {
  const id = repairId(given);
  return id === undefined || sender === undefined ? id : `${id} ${sender}`;
}

/**
 * Turns a plan into requests for the queue: first the envelopes (one notification for one
 * destination each), then their fallbacks.
 */
export function toEnqueueRequests({ envelopes, fallbacks }: Plan, caller: Caller): EnqueueRequest[] {
  const requests = new Map(envelopes.map((envelope) => [envelope, toEnqueueRequest(envelope, caller)]));
  const fallbackRequests = fallbacks.map(({ envelope, primaries }): EnqueueRequest => ({
    ...toEnqueueRequest(envelope, caller),
    primaries: primaries.flatMap(({ envelope, afterMs }) => {
      const request = requests.get(envelope);
      return request === undefined ? [] : [{ request, afterMs }];
    }),
  }));
  return [...requests.values(), ...fallbackRequests];
}

function toEnqueueRequest(envelope: Envelope, { id, sender }: Caller): EnqueueRequest {
  const { notification, attachmentIndex } = envelope;
  const { expires, key, resolves, severity, attachments = [], file, fullText } = notification;
  const stored = [...attachments, file, fullText].filter((one) => one !== undefined);
  const files = [...new Set(stored.map(({ content }) => content))];
  const common = {
    ...{ ...envelope, expires, sender, isUrgent: severity === "critical" },
    ...(files.length === 0 ? {} : { files }),
  };
  // An attachment has the incident key of its notification. Therefore a newer notification also
  // replaces the attachment.
  if (attachmentIndex !== undefined) return { ...common, key, idempotencyKey: id && `${id} ${attachmentIndex}` };
  const keyed = key === undefined ? {} : { key, title: incidentTitle(notification), resolves, replaces: true } as const;
  return { ...common, ...keyed, idempotencyKey: id };
}
