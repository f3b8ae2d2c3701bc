/**
 * Delays from the configuration: quiet hours, rate limits, and fallbacks. A fallback is an entry
 * for a second channel. Its primaries are the entries that are tried earlier. A fallback is sent
 * only if its primaries are not delivered in time.
 *
 * Quiet hours and rate limits are not stored in the journal. Every process computes them from the
 * configuration and the clock, so all processes use the same delays. Critical entries ignore quiet
 * hours and rate limits. An entry that a person retried by its id is never delayed.
 *
 * @module
 */

import { isFromFuture } from "../base/clock.ts";
import { formatDuration } from "../base/duration.ts";
import { isNotification } from "../notification/notification.ts";
import { canBeBatched, type Entry, type Lane, laneKey, notificationOf } from "../queue/entry.ts";
import { dueTime } from "../queue/fallbacks.ts";
import type { LaneEntries } from "../queue/lane_index.ts";
import { formatTimeOfDay, lastQuietEnd, quietUntil, wasQuiet } from "./quiet_hours.ts";
import { BURST_SILENCE_MS, DEFAULT_POLICY, type LanePolicy, MAX_GATHERING_MS, type RateLimit } from "./rate_policy.ts";

/** The reason and the end of a delay. */
export interface Delay {
  /** The end of the delay, in milliseconds since 1970. */
  readonly until: number;
  /** The reason, as a text for the user. */
  readonly reason: string;
}

/** The fields of an entry from which its delay is computed. */
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
    /**
     * The time when the entry was queued, in milliseconds since 1970.
     *
     * @default now, if the entry is not queued yet
     */
    readonly time?: number;
  };

/** The parts of the queue from which delays are computed. */
export interface DelaySource {
  /** Returns the entries of one lane that are not dead letters, in the order of arrival. */
  lane(lane: Lane): LaneEntries;
  entry(id: string): Entry | undefined;
  /**
   * Returns when the last messages of a lane (one channel and destination) were delivered, in
   * milliseconds since 1970, oldest first.
   */
  recentDeliveries(lane: Lane): readonly number[];
}

/** The configured policies (batches, rate limit, quiet hours), by channel name. */
export type Policies = ReadonlyMap<string, LanePolicy>;

/** Returns true if quiet hours and rate limits do not delay an entry. */
export function isUrgent(entry: Pick<Entry, "forced" | "notification">): boolean {
  return entry.forced === true || isCritical(notificationOf(entry));
}

/** Returns true if a notification from the queue is critical. */
export function isCritical(notification: unknown): boolean {
  return isNotification(notification) && notification.severity === "critical";
}

/**
 * The delays, calculated for one point in time. Results are cached. Therefore do not use the object
 * after the queue has changed.
 */
export class Delays {
  readonly #now: number;
  readonly #queue: DelaySource;
  readonly #policies: Policies;
  /** Cached delays because of quiet hours, by channel name. */
  readonly #quietHours = new Map<string, Delay | undefined>();
  /** Cached ends of the current or last quiet hours, by channel name. */
  readonly #quietEnds = new Map<string, number | undefined>();
  /**
   * Cached ends of bursts (many entries within a short time), by lane. 0 means that there is no
   * burst.
   */
  readonly #burstEnds = new Map<string, number>();

  constructor(now: number, queue: DelaySource, policies: Policies) {
    this.#now = now;
    this.#queue = queue;
    this.#policies = policies;
  }

  /** Returns the delay of an entry; undefined if the entry is not delayed. */
  of(entry: DelaySubject): Delay | undefined {
    const fallbackDelay = this.#fallbackDelay(entry);
    if (fallbackDelay !== undefined) return fallbackDelay;
    const { quiet, rateLimit, batchOver } = this.policyOf(entry.channel);
    if ((quiet ?? rateLimit) === undefined || isUrgent(entry)) return undefined;
    const quietHours = this.#currentQuietHours(entry.channel);
    if (quietHours !== undefined || rateLimit === undefined) return quietHours;
    const limitEnd = this.#rateLimitEnd(rateLimit, entry, this.#now);
    const makesBatches = batchOver !== Infinity;
    const until = makesBatches ? Math.max(limitEnd, this.#burstEnd(rateLimit, entry)) : limitEnd;
    if (until <= this.#now) return undefined;
    const limit = `At most ${rateLimit.count} in ${formatDuration(rateLimit.perMs)}`;
    return { until, reason: makesBatches ? `${limit}; later notifications follow in one message` : limit };
  }

  /** Returns true if quiet hours or the rate limit delayed an entry in the past. */
  wasDelayed(entry: Entry): boolean {
    const { quiet, rateLimit } = this.policyOf(entry.channel);
    const from = becameDue(entry);
    if (quiet !== undefined && wasQuiet(quiet, { from, until: this.#now })) return true;
    return rateLimit !== undefined && this.#rateLimitEnd(rateLimit, entry, from) > 0;
  }

  /**
   * Returns true if an entry is a fallback that still waits for its primaries (the entries that are
   * tried earlier).
   */
  isPendingFallback(entry: DelaySubject): boolean {
    return this.#fallbackDelay(entry) !== undefined;
  }

  /** Returns the policy of a channel, or the default policy. */
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
   * Returns the time from which the rate limit of a lane allows the next message, in milliseconds
   * since 1970. Returns 0 if this time is not after `since`.
   */
  #rateLimitEnd({ count, perMs }: RateLimit, lane: Lane, since: number): number {
    // Ignore deliveries in the future: a wrong clock recorded them.
    const oldest = this.#queue.recentDeliveries(lane).filter((time) => time <= this.#now).at(-count);
    return oldest !== undefined && oldest + perMs > since ? oldest + perMs : 0;
  }

  /**
   * Returns the end of a burst that exceeded the rate limit. The entries of the burst wait until
   * this time. Then they are sent as a batch (one message). Returns 0 if there is no such burst.
   */
  #burstEnd(rateLimit: RateLimit, entry: DelaySubject): number {
    // Attachments also wait: an attachment must be sent after its text, and the text may wait for a
    // batch.
    if (!canBeBatched(entry) && !entry.attachmentIndex) return 0;
    const lane = laneKey(entry);
    if (!this.#burstEnds.has(lane)) {
      const times = this.#findDueTimes(entry);
      const [first = this.#now] = times;
      const end = this.#rateLimitEnd(rateLimit, entry, first);
      this.#burstEnds.set(lane, end && Math.min(firstSilence(end, times), first + MAX_GATHERING_MS));
    }
    return this.#burstEnds.get(lane) ?? 0;
  }

  /**
   * Returns when the entries of a lane became due, oldest first. Includes only entries that can be
   * batched. Ignores times in the future.
   */
  #findDueTimes(lane: Lane): readonly number[] {
    const waiting = [...this.#queue.lane(lane).values()].filter((entry) => canBeBatched(entry) && !isUrgent(entry));
    return waiting.map(becameDue).filter((time) => time <= this.#now).sort((a, b) => a - b);
  }

  /**
   * Returns the delay of a fallback that waits for its primaries. The delay ends with the timeout
   * of the fallback. If the channel of a primary has quiet hours, the timeout starts at the end of
   * the quiet hours. Quiet hours are ignored for dead or urgent primaries.
   */
  #fallbackDelay(entry: DelaySubject): Delay | undefined {
    const { fallbackFor, forced, inFlight, dead, time = this.#now } = entry;
    if (fallbackFor === undefined) return undefined;
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

  /**
   * Returns the end of the current quiet hours of a channel. If the channel does not have quiet
   * hours now, returns the end of its last quiet hours.
   */
  #quietEnd(channel: string): number | undefined {
    const { quiet } = this.policyOf(channel);
    if (quiet !== undefined && !this.#quietEnds.has(channel)) {
      this.#quietEnds.set(channel, this.#currentQuietHours(channel)?.until ?? lastQuietEnd(quiet, this.#now));
    }
    return this.#quietEnds.get(channel);
  }
}

/**
 * Returns the time when an entry became due. A fallback became due when its timeout ended. Every
 * other entry became due when it was queued.
 */
function becameDue(entry: Entry): number {
  return Math.max(entry.time, dueTime(entry));
}

/**
 * Finds the first pause of {@linkcode BURST_SILENCE_MS} without a new entry, and returns the end of
 * this pause. The result is never before `earliest`.
 */
function firstSilence(earliest: number, times: readonly number[]): number {
  let end = earliest;
  for (const time of times) if (end - BURST_SILENCE_MS < time && time < end) end = time + BURST_SILENCE_MS;
  return end;
}
