/** Formats the plan of a notification: its destinations and fallbacks before it is sent. */

import { formatDuration } from "../base/duration.ts";
import type { Envelope } from "../channels/channel.ts";
import type { NotifierCore } from "../notifier/core.ts";
import { isUndecided } from "../queue/entry.ts";
import { EVERY_CHANNEL } from "../routing/rule.ts";

/** The destinations and fallbacks of a notification that is not sent yet. */
export type Plan = ReturnType<NotifierCore["plan"]>;

/** Formats a destination: `matrix #a:example.org`. */
export function formatTarget(target: Pick<Envelope, "channel" | "destination">): string {
  const { channel, destination } = target;
  if (!isUndecided(target)) return `${channel} ${destination}`;
  const what = channel === EVERY_CHANNEL ? "the channels of the configuration" : channel;
  return `${what}, when the configuration is fixed`;
}

/** Formats a fallback: `phone alerts, if matrix #a:example.org has not delivered within 10 min`. */
export function formatFallback({ envelope, primaries }: Plan["fallbacks"][number]): string {
  const reasons = primaries.map(({ envelope: { channel, destination }, afterMs }) =>
    `${channel} ${destination} has not delivered within ${formatDuration(afterMs)}`
  );
  return `${formatTarget(envelope)}, if ${reasons.join(", or ")}`;
}
