/**
 * The objects of `--json`. They are a contract, and docs/json.md describes them: one object a line,
 * times in ISO 8601 (UTC, with milliseconds), durations and sizes with their unit in the name. A
 * field without a value is left out.
 *
 * @module
 */

import type { Envelope } from "../channels/channel.ts";
import type { Notification } from "../notification/notification.ts";
import type { Outcome, QueuedEntry } from "../notifier/outcomes.ts";
import type { Status } from "../notifier/status.ts";

type JsonObject = Readonly<Record<string, unknown>>;

/** Formats a time: `2026-11-22T19:15:07.000Z`. */
export function formatTime(time: number): string;
export function formatTime(time: number | undefined): string | undefined;
export function formatTime(time: number | undefined): string | undefined {
  return time === undefined ? undefined : new Date(time).toISOString();
}

/** An outcome: of `send`, `run`, `sendmail`, `flush`, `queue retry`, and as `test` of `setup`. */
export function toOutcomeJson(outcome: Outcome): JsonObject {
  const next = outcome.state === "queued" || outcome.state === "held" ? formatTime(outcome.next) : undefined;
  return { ...outcome, next };
}

/** An entry: of `queue list`, `queue show` and `queue export`. */
export function toEntryJson(entry: QueuedEntry): JsonObject {
  return {
    ...entry,
    time: formatTime(entry.time),
    expires: formatTime(entry.expires),
    next: entry.state === "dead" ? undefined : formatTime(entry.next),
    notification: notificationJson(entry.notification),
    members: entry.members?.map(toEntryJson),
  };
}

/** An entry that was dropped: of `queue drop` and `queue purge`. */
export function toDroppedJson({ id, channel, destination }: QueuedEntry): JsonObject {
  return { id, channel, destination, state: "dropped" };
}

/** An envelope: of `send --dry-run`. */
export function toEnvelopeJson(envelope: Envelope): JsonObject {
  return { ...envelope, notification: notificationJson(envelope.notification) };
}

/** The queue in numbers: of `status`. */
export function toStatusJson(status: Status): JsonObject {
  return { ...status, lastDelivery: formatTime(status.lastDelivery), until: formatTime(status.until) };
}

function notificationJson(notification: Notification): JsonObject {
  return { ...notification, time: formatTime(notification.time), expires: formatTime(notification.expires) };
}
