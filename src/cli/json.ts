/**
 * Creates the objects that `--json` prints. Other programs depend on the format of these
 * objects, which docs/json.md documents.
 *
 * Times are in ISO 8601, with milliseconds and the offset of local time. The field names of
 * durations and sizes include the unit. A field without a value is omitted.
 *
 * @module
 */

import { formatIsoTime } from "../base/time.ts";
import type { Envelope } from "../channels/channel.ts";
import { toNotificationJson } from "../notification/json.ts";
import { isNotification } from "../notification/notification.ts";
import type { Outcome, QueuedEntry } from "../notifier/outcomes.ts";
import type { Status } from "../notifier/status.ts";

type JsonObject = Readonly<Record<string, unknown>>;

/** Formats a time like {@linkcode formatIsoTime}. Returns undefined if there is no time. */
export function formatOptionalTime(time: number | undefined): string | undefined {
  return time === undefined ? undefined : formatIsoTime(time);
}

/**
 * Creates the JSON object of an outcome (the result of a delivery) for `send`, `flush` and others.
 */
export function toOutcomeJson(outcome: Outcome): JsonObject {
  const next = outcome.state === "queued" || outcome.state === "held" ? formatOptionalTime(outcome.next) : undefined;
  return { ...outcome, next };
}

/** Creates the JSON object of a queued entry for `queue list`, `queue show` and `queue export`. */
export function toEntryJson(entry: QueuedEntry): JsonObject {
  return {
    ...entry,
    time: formatIsoTime(entry.time),
    expires: formatIsoTime(entry.expires),
    next: entry.state === "dead" ? undefined : formatOptionalTime(entry.next),
    // The queue may contain a notification that this version cannot read.
    notification: isNotification(entry.notification) ? toNotificationJson(entry.notification) : entry.notification,
    members: entry.members?.map(toEntryJson),
  };
}

/** Creates the JSON object of an entry that `queue drop` or `queue purge` removed. */
export function toDroppedJson({ id, channel, destination }: QueuedEntry): JsonObject {
  return { id, channel, destination, state: "dropped" };
}

/** Creates the JSON object of an envelope (a notification for one destination) for a dry run. */
export function toEnvelopeJson(envelope: Envelope): JsonObject {
  return { ...envelope, notification: toNotificationJson(envelope.notification) };
}

/** Creates the JSON object that `status --json` prints. */
export function toStatusJson(status: Status): JsonObject {
  return { ...status, lastDelivery: formatOptionalTime(status.lastDelivery), until: formatOptionalTime(status.until) };
}
