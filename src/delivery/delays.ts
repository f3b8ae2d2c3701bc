/**
 * Delays that the user configured: quiet hours, a rate limit, and a fallback that waits for its
 * primaries. Quiet hours and rate limits are not in the journal. They are computed from the
 * configuration and the clock, so that every process sees the same delays, and a delay ends when
 * the configuration says so.
 *
 * Critical entries wait for neither quiet hours nor rate limits. An entry that a person retried by
 * its id waits for none of the three.
 *
 * @module
 */

import { formatDuration } from "../base/duration.ts";
import { isNotification } from "../notification/notification.ts";
import { canBeBatched, type Entry, laneKey } from "../queue/entry.ts";
import { dueTime } from "../queue/fallbacks.ts";
import { isFromFuture } from "./clock.ts";
import { formatTimeOfDay, lastQuietEnd, quietUntil, wasQuiet } from "./quiet_hours.ts";
import { BURST_SILENCE_MS, DEFAULT_POLICY, type LanePolicy, MAX_GATHERING_MS, type RateLimit } from "./rate_policy.ts";

/** Why an entry waits, and until when. */
export interface Delay {
  /** Milliseconds since 1970. */
  readonly until: number;
  /** A sentence for people. */
  readonly reason: string;
}

/** The parts of an entry that decide whether it is delayed. */
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
    /** When it was queued, milliseconds since 1970. @default now: it is not queued yet */
    readonly time?: number;
  };

/** The parts of the queue that delays are computed from. */
export interface DelaySource {
  /** The entries that will be tried, in the order of arrival. */
  liveEntries(): Entry[];
  entry(id: string): Entry | undefined;
  /** The last deliveries in the lane of an entry, milliseconds since 1970, the newest last. */
  recentDeliveries(entry: Pick<Entry, "channel" | "destination">): readonly number[];
}

/** The configured policies, by the name of the channel. */
export type Policies = ReadonlyMap<string, LanePolicy>;

/** True if an entry waits for neither quiet hours nor a rate limit. */
export function isUrgent({ forced, notification }: Pick<Entry, "forced" | "notification">): boolean {
  return forced === true || isCritical(notification);
}

/** True if a notification from the queue is critical. */
export function isCritical(notification: unknown): boolean {
  return isNotification(notification) && notification.severity === "critical";
}

/** The delays at one time. Valid until the queue changes: what was computed once is kept. */
export class Delays {
  readonly #now: number;
  readonly #queue: DelaySource;
  readonly #policies: Policies;
  /** By channel: the quiet hours that are on now. */
  readonly #quietHours = new Map<string, Delay | undefined>();
  /** By channel: when the last or the current quiet hours end. */
  readonly #quietEnds = new Map<string, number | undefined>();
  /** By lane: when its burst is over; 0 if there is none. */
  readonly #burstEnds = new Map<string, number>();
  /** By lane: when the entries that can be batched became due. */
  #dueTimes?: ReadonlyMap<string, readonly number[]>;

  constructor(now: number, queue: DelaySource, policies: Policies) {
    this.#now = now;
    this.#queue = queue;
    this.#policies = policies;
  }

  /** The delay of an entry; undefined if it may leave now. */
  of(entry: DelaySubject): Delay | undefined {
    const fallbackDelay = this.#fallbackDelay(entry);
    if (fallbackDelay !== undefined) return fallbackDelay;
    const { quiet, rateLimit } = this.policyOf(entry.channel);
    if ((quiet ?? rateLimit) === undefined || isUrgent(entry)) return undefined;
    const quietHours = this.#currentQuietHours(entry.channel);
    if (quietHours !== undefined || rateLimit === undefined) return quietHours;
    const until = Math.max(this.#rateLimitEnd(rateLimit, entry, this.#now), this.#burstEnd(rateLimit, entry));
    if (until <= this.#now) return undefined;
    const limit = `At most ${rateLimit.count} in ${formatDuration(rateLimit.perMs)}`;
    return { until, reason: `${limit}; the rest follows in one message` };
  }

  /** True if an entry was delayed earlier, by quiet hours or by its rate limit. */
  wasDelayed(entry: Entry): boolean {
    const { quiet, rateLimit } = this.policyOf(entry.channel);
    const from = becameDue(entry);
    if (quiet !== undefined && wasQuiet(quiet, { from, until: this.#now })) return true;
    return rateLimit !== undefined && this.#rateLimitEnd(rateLimit, entry, from) > 0;
  }

  /** True if an entry is a fallback that still waits for its primaries. */
  isPendingFallback(entry: DelaySubject): boolean {
    return this.#fallbackDelay(entry) !== undefined;
  }

  /** The policy of a channel, or the default one. */
  policyOf(channel: string): LanePolicy {
    return this.#policies.get(channel) ?? DEFAULT_POLICY;
  }

  #currentQuietHours(channel: string): Delay | undefined {
    const { quiet } = this.policyOf(channel);
    if (quiet !== undefined && !this.#quietHours.has(channel)) {
      const until = quietUntil(quiet, this.#now);
      const delay = until === undefined
        ? undefined
        : { until, reason: `Quiet hours until ${formatTimeOfDay(quiet.to)}` };
      this.#quietHours.set(channel, delay);
    }
    return this.#quietHours.get(channel);
  }

  /**
   * When the lane of an entry may deliver again, if its rate limit is reached at `since`; else 0.
   */
  #rateLimitEnd({ count, perMs }: RateLimit, entry: Pick<Entry, "channel" | "destination">, since: number): number {
    // A delivery that a wrong clock put into the future does not count.
    const oldest = this.#queue.recentDeliveries(entry).filter((time) => time <= this.#now).at(-count);
    return oldest !== undefined && oldest + perMs > since ? oldest + perMs : 0;
  }

  /**
   * When the burst in a lane is over that exceeded its rate limit: until then its entries wait for
   * their batch.
   */
  #burstEnd(rateLimit: RateLimit, entry: DelaySubject): number {
    // An attachment follows its text, which may wait for a batch.
    if (!canBeBatched(entry) && !entry.attachmentIndex) return 0;
    const lane = laneKey(entry);
    if (!this.#burstEnds.has(lane)) {
      this.#dueTimes ??= this.#findDueTimes();
      const times = this.#dueTimes.get(lane) ?? [this.#now];
      const end = this.#rateLimitEnd(rateLimit, entry, times[0]);
      this.#burstEnds.set(lane, end && Math.min(firstSilence(end, times), times[0] + MAX_GATHERING_MS));
    }
    return this.#burstEnds.get(lane) ?? 0;
  }

  /**
   * When the entries of each lane became due that can be batched, oldest first. Times in the future
   * do not count.
   */
  #findDueTimes(): ReadonlyMap<string, readonly number[]> {
    const waiting = this.#queue.liveEntries().filter((entry) =>
      canBeBatched(entry) && !isUrgent(entry) && becameDue(entry) <= this.#now
    );
    const lanes = Map.groupBy(waiting, laneKey);
    return new Map(
      Array.from(lanes, ([lane, entries]) => [lane, entries.map(becameDue).toSorted((a, b) => a - b)]),
    );
  }

  /**
   * What a fallback waits for. Quiet hours of a primary do not count against it: its timeout starts
   * when they end. A dead or urgent primary does not wait for quiet hours.
   */
  #fallbackDelay(entry: DelaySubject): Delay | undefined {
    const { fallbackFor = {}, forced, inFlight, dead, time = this.#now } = entry;
    const timeouts = Object.entries(fallbackFor);
    if (timeouts.length === 0 || forced || inFlight || dead || isFromFuture(time, this.#now)) return undefined;
    const primaries = timeouts.map(([id, until]) => {
      const primary = this.#queue.entry(id);
      if (primary === undefined || primary.dead || isUrgent(primary)) return { until, channel: primary?.channel };
      const { channel } = primary;
      const quietEnd = this.#quietEnd(channel) ?? 0;
      const afterQuietHours = quietEnd + Math.max(0, until - time);
      return { until: quietEnd > primary.time ? Math.max(until, afterQuietHours) : until, channel };
    });
    const until = Math.min(...primaries.map((primary) => primary.until));
    if (until <= this.#now) return undefined;
    const names = [...new Set(primaries.map(({ channel }) => channel).filter((name) => name !== undefined))];
    return { until, reason: `Sent only if ${names.join(" or ") || "another channel"} is late` };
  }

  /** When the last quiet hours of a channel ended, or the current ones will end. */
  #quietEnd(channel: string): number | undefined {
    const { quiet } = this.policyOf(channel);
    if (quiet !== undefined && !this.#quietEnds.has(channel)) {
      this.#quietEnds.set(channel, this.#currentQuietHours(channel)?.until ?? lastQuietEnd(quiet, this.#now));
    }
    return this.#quietEnds.get(channel);
  }
}

/**
 * When an entry could leave first: when it was queued, or, for a fallback, when its primaries were
 * late.
 */
function becameDue(entry: Entry): number {
  return Math.max(entry.time, dueTime(entry));
}

/**
 * The first time from `earliest` on that follows {@linkcode BURST_SILENCE_MS} without a new entry.
 */
function firstSilence(earliest: number, times: readonly number[]): number {
  let end = earliest;
  for (const time of times) if (end - BURST_SILENCE_MS < time && time < end) end = time + BURST_SILENCE_MS;
  return end;
}
