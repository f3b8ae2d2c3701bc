/**
 * What makes an entry wait because its user wants it so: quiet hours, the pace of its lane, and another entry that a fallback stands in for. The first two are
 * written down nowhere: configuration and clock tell them, so that they outlive every process and end when the configuration says so. What is critical never
 * waits for them; what somebody asked for by its id waits for none of the three.
 *
 * @module
 */

import { formatDuration } from "../base/duration.ts";
import { BURST_SILENCE_MS, DEFAULT_POLICY, type LanePolicy, MAX_GATHERING_MS, type RateLimit } from "./rate_policy.ts";
import { type Entry, laneKey } from "../queue/entry.ts";
import { dueTime } from "../queue/fallbacks.ts";
import { canBeBatched } from "../queue/ordered_entries.ts";
import { formatTimeOfDay, lastQuietEnd, quietUntil, wasQuiet } from "./quiet_hours.ts";
import { isUrgent } from "./urgency.ts";

/** Clocks are set by small steps all the time. */
export const CLOCK_SLACK_MS = 60_000;

/** A wait that its user wants. */
export interface Delay {
  /** Milliseconds since 1970. */
  readonly until: number;
  /** For people. */
  readonly reason: string;
}

/** What is held at one moment. */
export interface Delays {
  /** Why an entry waits now; undefined when it does not. */
  of(entry: DelaySubject): Delay | undefined;
  /** Whether an entry waited for this before. */
  wasDelayed(entry: Entry): boolean;
  /** Whether an entry waits whether another one is delivered. */
  isPendingFallback(entry: DelaySubject): boolean;
  /** What holds for a channel. */
  policyOf(channel: string): LanePolicy;
}

/** What decides whether an entry is held. */
export type DelaySubject =
  & Pick<
    Entry,
    | "channel"
    | "destination"
    | "notification"
    | "forced"
    | "dead"
    | "inFlight"
    | "inDoubt"
    | "members"
    | "noBatch"
    | "fallbackFor"
    | "files"
    | "attachmentIndex"
  >
  & {
    /** When it came in; at this moment, where it has not yet. */
    readonly time?: number;
  };

/** What the holds depend on. */
export interface DelaySource {
  /** What will be tried, in the order of arrival. */
  liveEntries(): Entry[];
  /** One of them, by its id. */
  entry(id: string): Entry | undefined;
  /** When the lane of an entry delivered last, the newest at the end. */
  recentDeliveries(entry: Pick<Entry, "channel" | "destination">): readonly number[];
}

/** What holds for channels, by name. */
export type Policies = ReadonlyMap<string, LanePolicy>;

/** Reads what is held now. */
export function delaysAt(now: number, source: DelaySource, policies: Policies): Delays {
  const policyOf = (channel: string) => policies.get(channel) ?? DEFAULT_POLICY;
  const nights = new Map<string, Delay | undefined>();
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
  const over = (pace: RateLimit, entry: Pick<Entry, "channel" | "destination">, since: number) => {
    const oldest = source.recentDeliveries(entry).filter((time) => time <= now).at(-pace.count);
    return oldest !== undefined && oldest + pace.perMs > since ? oldest + pace.perMs : 0;
  };
  let arrivals: ReadonlyMap<string, readonly number[]> | undefined;
  const gatherings = new Map<string, number>();
  /** Until when what waits in a lane goes on gathering, once the pace was exceeded. */
  const gatheringUntil = (pace: RateLimit, entry: DelaySubject) => {
    // A file waits for as long as its text may.
    if (!canBeBatched(entry) && !entry.attachmentIndex) return 0;
    const lane = laneKey(entry);
    if (!gatherings.has(lane)) {
      arrivals ??= arrivalsIn(source.liveEntries(), now);
      const times = arrivals.get(lane) ?? [now];
      const end = over(pace, entry, times[0]);
      gatherings.set(lane, end && Math.min(silenceAfter(end, times), times[0] + MAX_GATHERING_MS));
    }
    return gatherings.get(lane) ?? 0;
  };
  const standby = fallbackDelayAt(now, { source, policyOf, nightOf });
  return {
    policyOf,
    isPendingFallback: (entry) => standby(entry) !== undefined,
    of(entry) {
      const waits = standby(entry);
      if (waits !== undefined) return waits;
      const { quiet, rateLimit } = policyOf(entry.channel);
      if ((quiet ?? rateLimit) === undefined || isUrgent(entry)) return undefined;
      const night = nightOf(entry.channel);
      if (night !== undefined || rateLimit === undefined) return night;
      const until = Math.max(over(rateLimit, entry, now), gatheringUntil(rateLimit, entry));
      if (until <= now) return undefined;
      return {
        until,
        reason: `At most ${rateLimit.count} in ${formatDuration(rateLimit.perMs)}; what comes meanwhile comes together`,
      };
    },
    wasDelayed(entry) {
      const { quiet, rateLimit } = policyOf(entry.channel);
      const from = Math.max(entry.time, dueTime(entry));
      if (quiet !== undefined && wasQuiet(quiet, { from, until: now })) return true;
      return rateLimit !== undefined && over(rateLimit, entry, from) > 0;
    },
  };
}

/** When those came in that may be gathered, by lane; by a clock that was wrong nobody waits. */
function arrivalsIn(entries: readonly Entry[], now: number): ReadonlyMap<string, readonly number[]> {
  // A fallback comes in when it may leave.
  const timeOf = (entry: Entry) => Math.max(entry.time, dueTime(entry));
  const waiting = entries.filter((entry) => canBeBatched(entry) && !isUrgent(entry) && timeOf(entry) <= now);
  return new Map(
    Array.from(Map.groupBy(waiting, laneKey), ([lane, some]) => [lane, some.map(timeOf).toSorted(byNumber)]),
  );
}

const byNumber = (a: number, b: number) => a - b;

/** The first moment from `earliest` on before which nothing came for a while. */
function silenceAfter(earliest: number, times: readonly number[]): number {
  let end = earliest;
  for (const time of times) if (end - BURST_SILENCE_MS < time && time < end) end = time + BURST_SILENCE_MS;
  return end;
}

/** What the wait of a fallback depends on besides the clock. */
export interface FallbackDelayContext {
  readonly source: Pick<DelaySource, "entry">;
  readonly policyOf: (channel: string) => LanePolicy;
  /** The quiet hours that a channel has now. */
  readonly nightOf: (channel: string) => Delay | undefined;
}

/** Tells what a fallback waits for at one moment; undefined for what does not wait. */
export function fallbackDelayAt(now: number, { source, policyOf, nightOf }: FallbackDelayContext) {
  const nights = new Map<string, number | undefined>();
  /** When the last night of a channel ended, or this one will. */
  const nightEndOf = (channel: string) => {
    const { quiet } = policyOf(channel);
    if (quiet !== undefined && !nights.has(channel)) {
      nights.set(channel, nightOf(channel)?.until ?? lastQuietEnd(quiet, now));
    }
    return nights.get(channel) ?? 0;
  };
  return (entry: DelaySubject): Delay | undefined => {
    const { fallbackFor, forced, inFlight, dead, time = now } = entry;
    if (fallbackFor === undefined || forced || inFlight || dead || Object.keys(fallbackFor).length === 0) {
      return undefined;
    }
    // What came in by a clock that was wrong is not waited for.
    if (time > now + CLOCK_SLACK_MS) return undefined;
    const primaries = Object.entries(fallbackFor).map(([id, until]) => {
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
