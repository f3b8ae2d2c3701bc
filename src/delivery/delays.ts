/**
 * What makes an entry wait because its user wants it so: quiet hours, the pace of its lane, and another entry that a fallback stands in for. The first two are
 * written down nowhere: configuration and clock tell them, so that they outlive every process and end when the configuration says so. What is critical never
 * waits for them; what somebody asked for by its id waits for none of the three.
 *
 * @module
 */

import { formatDuration } from "../base/duration.ts";
import { DEFAULT_POLICY, FLOOD_SILENCE_MS, type LanePolicy, MAX_GATHERING_MS, type Pace } from "./rate_policy.ts";
import { type Entry, laneKey } from "../queue/entry.ts";
import { dueTime } from "../queue/fallbacks.ts";
import { mayBeGathered } from "../queue/ordered_entries.ts";
import { formatTimeOfDay, lastQuietEnd, quietUntil, wasQuiet } from "./quiet_hours.ts";
import { isUrgent } from "./urgency.ts";

/** Clocks are set by small steps all the time. */
export const CLOCK_SLACK_MS = 60_000;

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
  /** Whether an entry waits whether another one is delivered. */
  isStandingBy(entry: HoldSubject): boolean;
  /** What holds for a channel. */
  policyOf(channel: string): LanePolicy;
}

/** What decides whether an entry is held. */
export type HoldSubject =
  & Pick<
    Entry,
    | "channel"
    | "destination"
    | "notification"
    | "asked"
    | "dead"
    | "open"
    | "doubt"
    | "members"
    | "alone"
    | "unless"
    | "files"
    | "part"
  >
  & {
    /** When it came in; at this moment, where it has not yet. */
    readonly time?: number;
  };

/** What the holds depend on. */
export interface HoldSource {
  /** What will be tried, in the order of arrival. */
  live(): Entry[];
  /** One of them, by its id. */
  entry(id: string): Entry | undefined;
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
  const over = (pace: Pace, entry: Pick<Entry, "channel" | "destination">, since: number) => {
    const oldest = source.deliveriesOf(entry).filter((time) => time <= now).at(-pace.burst);
    return oldest !== undefined && oldest + pace.perMs > since ? oldest + pace.perMs : 0;
  };
  let arrivals: ReadonlyMap<string, readonly number[]> | undefined;
  const gatherings = new Map<string, number>();
  /** Until when what waits in a lane goes on gathering, once the pace was exceeded. */
  const gatheringUntil = (pace: Pace, entry: HoldSubject) => {
    // A file waits for as long as its text may.
    if (!mayBeGathered(entry) && !entry.part) return 0;
    const lane = laneKey(entry);
    if (!gatherings.has(lane)) {
      arrivals ??= arrivalsIn(source.live(), now);
      const times = arrivals.get(lane) ?? [now];
      const end = over(pace, entry, times[0]);
      gatherings.set(lane, end && Math.min(silenceAfter(end, times), times[0] + MAX_GATHERING_MS));
    }
    return gatherings.get(lane) ?? 0;
  };
  const standby = standbyAt(now, { source, policyOf, nightOf });
  return {
    policyOf,
    isStandingBy: (entry) => standby(entry) !== undefined,
    of(entry) {
      const waits = standby(entry);
      if (waits !== undefined) return waits;
      const { quiet, pace } = policyOf(entry.channel);
      if ((quiet ?? pace) === undefined || isUrgent(entry)) return undefined;
      const night = nightOf(entry.channel);
      if (night !== undefined || pace === undefined) return night;
      const until = Math.max(over(pace, entry, now), gatheringUntil(pace, entry));
      if (until <= now) return undefined;
      return {
        until,
        reason: `At most ${pace.burst} in ${formatDuration(pace.perMs)}; what comes meanwhile comes together`,
      };
    },
    wereOver(entry) {
      const { quiet, pace } = policyOf(entry.channel);
      const from = Math.max(entry.time, dueTime(entry));
      if (quiet !== undefined && wasQuiet(quiet, { from, until: now })) return true;
      return pace !== undefined && over(pace, entry, from) > 0;
    },
  };
}

/** When those came in that may be gathered, by lane; by a clock that was wrong nobody waits. */
function arrivalsIn(entries: readonly Entry[], now: number): ReadonlyMap<string, readonly number[]> {
  // A fallback comes in when it may leave.
  const timeOf = (entry: Entry) => Math.max(entry.time, dueTime(entry));
  const waiting = entries.filter((entry) => mayBeGathered(entry) && !isUrgent(entry) && timeOf(entry) <= now);
  return new Map(
    Array.from(Map.groupBy(waiting, laneKey), ([lane, some]) => [lane, some.map(timeOf).toSorted(byNumber)]),
  );
}

const byNumber = (a: number, b: number) => a - b;

/** The first moment from `earliest` on before which nothing came for a while. */
function silenceAfter(earliest: number, times: readonly number[]): number {
  let end = earliest;
  for (const time of times) if (end - FLOOD_SILENCE_MS < time && time < end) end = time + FLOOD_SILENCE_MS;
  return end;
}

/** What the wait of a fallback depends on besides the clock. */
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
