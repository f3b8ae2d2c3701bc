/** Formats the destinations and the fallbacks of a notification that is not sent yet. */

import { formatDuration } from "../base/duration.ts";
import type { Envelope } from "../channels/channel.ts";
import type { NotifierCore } from "../notifier/core.ts";
import { isUndecided } from "../queue/entry.ts";
import { EVERY_CHANNEL } from "../routing/rule.ts";

/** The destinations and fallbacks of a notification that is not sent yet. */
export type Plan = ReturnType<NotifierCore["plan"]>;

/** The object that formats a destination, with the name of the room if it is known. */
export type Destinations = Pick<NotifierCore, "formatDestination">;

/** Formats a destination with its channel: `matrix Alerts (!abc:example.org)`. */
export function formatTarget(target: Pick<Envelope, "channel" | "destination">, destinations: Destinations): string {
  const { channel, destination } = target;
  if (channel === destination) return channel;
  if (!isUndecided(target)) return `${channel} ${destinations.formatDestination(destination)}`;
  const what = channel === EVERY_CHANNEL ? "the channels of the configuration" : channel;
  return `${what}, when the configuration is fixed`;
}

/** Formats a fallback: `phone alerts, if matrix #a:example.org has not delivered within 10 min`. */
export function formatFallback(
  { envelope, primaries }: Plan["fallbacks"][number],
  destinations: Destinations,
): string {
  const reasons = primaries.map(({ envelope, afterMs }) =>
    `${formatTarget(envelope, destinations)} has not delivered within ${formatDuration(afterMs)}`
  );
  return `${formatTarget(envelope, destinations)}, if ${reasons.join(", or ")}`;
}
