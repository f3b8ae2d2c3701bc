/** What people read of a fallback before it is needed. */

import { formatDuration } from "../base/duration.ts";
import type { NotifierCore } from "../notifier/core.ts";

/** Where a notification goes. */
export type Plan = ReturnType<NotifierCore["plan"]>;

/** `phone alerts, if matrix #alerts:example.org has not delivered within 10 min` */
export function fallbackText({ envelope, primaries }: Plan["fallbacks"][number]): string {
  const reasons = primaries.map(({ envelope: { channel, destination }, afterMs }) =>
    `${channel} ${destination} has not delivered within ${formatDuration(afterMs)}`
  );
  return `${envelope.channel} ${envelope.destination}, if ${reasons.join(", or ")}`;
}
