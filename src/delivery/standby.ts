/**
 * Fallbacks that stand by: each waits whether what it stands in for is delivered in time. What its user makes wait, for quiet hours, does not count as late, and
 * has its whole time when they are over.
 *
 * @module
 */

import type { LanePolicy } from "../flood.ts";
import { lastQuietEnd } from "../quiet.ts";
import type { Hold, HoldSource, HoldSubject } from "./holds.ts";
import { CLOCK_SLACK_MS } from "./lanes.ts";
import { isUrgent } from "./urgency.ts";

/** What it depends on besides the clock. */
export interface StandbyContext {
  readonly source: Pick<HoldSource, "entry">;
  readonly policyOf: (channel: string) => LanePolicy;
  /** The quiet hours that a channel has now. */
  readonly nightOf: (channel: string) => Hold | undefined;
}

/** Tells what a fallback waits for at one moment; undefined for what does not wait. */
export function standbyAt(now: number, { source, policyOf, nightOf }: StandbyContext) {
  const nights = new Map<string, number | undefined>();
  /** When the last night of a channel ended, or this one will. */
  const nightEndOf = (channel: string) => {
    const { quiet } = policyOf(channel);
    if (quiet !== undefined && !nights.has(channel)) {
      nights.set(channel, nightOf(channel)?.until ?? lastQuietEnd(quiet, now));
    }
    return nights.get(channel) ?? 0;
  };
  return (entry: HoldSubject): Hold | undefined => {
    const { unless, asked, open, dead, time = now } = entry;
    if (unless === undefined || asked || open || dead || Object.keys(unless).length === 0) return undefined;
    // What came in by a clock that was wrong is not waited for.
    if (time > now + CLOCK_SLACK_MS) return undefined;
    const primaries = Object.entries(unless).map(([id, until]) => {
      const primary = source.entry(id);
      if (primary === undefined || primary.dead || isUrgent(primary)) return { until, channel: primary?.channel };
      const { channel } = primary;
      const nightEnd = nightEndOf(channel);
      return {
        until: nightEnd > primary.time ? Math.max(until, nightEnd + Math.max(0, until - time)) : until,
        channel,
      };
    });
    const until = Math.min(...primaries.map((one) => one.until));
    if (until <= now) return undefined;
    const names = [...new Set(primaries.map(({ channel }) => channel).filter((name) => name !== undefined))];
    const verb = names.length > 1 ? "deliver" : "delivers";
    return { until, reason: `Waits whether ${names.join(" and ") || "another channel"} ${verb} in time` };
  };
}
