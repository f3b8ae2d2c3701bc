/**
 * What makes an entry wait because its user wants it so: quiet hours, and the pace of its lane. Neither is written down: configuration and clock tell it, so
 * that it outlives every process and ends when the configuration says so. What is critical, and what somebody asked for by its id, never waits for it.
 *
 * @module
 */

import { formatDuration } from "../duration.ts";
import { DEFAULT_POLICY, type LanePolicy } from "../flood.ts";
import { isNotification } from "../notification.ts";
import type { Entry } from "../queue/entry.ts";
import { formatTimeOfDay, quietUntil, wasQuiet } from "../quiet.ts";

/** A wait that its user wants. */
export interface Hold {
  /** Milliseconds since 1970. */
  readonly until: number;
  /** For people. */
  readonly reason: string;
}

/** What is held at one moment. */
export interface Holds {
  /** Why an entry waits now; undefined when it does not. */
  of(entry: HoldSubject): Hold | undefined;
  /** Whether an entry waited for this before. */
  wereOver(entry: Entry): boolean;
  /** What holds for a channel. */
  policyOf(channel: string): LanePolicy;
}

/** What decides whether an entry is held. */
export type HoldSubject = Pick<Entry, "channel" | "destination" | "notification" | "asked">;

/** What the holds depend on. */
export interface HoldSource {
  /** When the lane of an entry delivered last, the newest at the end. */
  deliveriesOf(entry: Pick<Entry, "channel" | "destination">): readonly number[];
}

/** What holds for channels, by name. */
export type Policies = ReadonlyMap<string, LanePolicy>;

/** Reads what is held now. */
export function holdsAt(now: number, source: HoldSource, policies: Policies): Holds {
  const policyOf = (channel: string) => policies.get(channel) ?? DEFAULT_POLICY;
  const nights = new Map<string, Hold | undefined>();
  const nightOf = (channel: string) => {
    const { quiet } = policyOf(channel);
    if (quiet !== undefined && !nights.has(channel)) {
      const until = quietUntil(quiet, now);
      nights.set(
        channel,
        until === undefined ? undefined : { until, reason: `Quiet hours until ${formatTimeOfDay(quiet.to)}` },
      );
    }
    return nights.get(channel);
  };
  return {
    policyOf,
    of(entry) {
      const { quiet, pace } = policyOf(entry.channel);
      if ((quiet ?? pace) === undefined || isUrgent(entry)) return undefined;
      const night = nightOf(entry.channel);
      if (night !== undefined || pace === undefined) return night;
      const oldest = source.deliveriesOf(entry).filter((time) => time <= now).at(-pace.burst);
      const until = oldest === undefined ? 0 : oldest + pace.perMs;
      if (until <= now) return undefined;
      return {
        until,
        reason: `At most ${pace.burst} in ${formatDuration(pace.perMs)}; what comes meanwhile comes together`,
      };
    },
    wereOver(entry) {
      const { quiet, pace } = policyOf(entry.channel);
      if (quiet !== undefined && wasQuiet(quiet, { from: entry.time, until: now })) return true;
      const oldest = pace && source.deliveriesOf(entry).at(-pace.burst);
      return pace !== undefined && oldest !== undefined && oldest > entry.time - pace.perMs;
    },
  };
}

/** Whether an entry never waits for quiet or pace. */
export function isUrgent({ asked, notification }: Pick<Entry, "asked" | "notification">): boolean {
  return asked === true || isCritical(notification);
}

/** Whether what was said is critical. */
export function isCritical(notification: unknown): boolean {
  return isNotification(notification) && notification.severity === "critical";
}
