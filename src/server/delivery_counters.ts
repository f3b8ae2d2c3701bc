/**
 * Counts the results of attempts since `serve` started. The counts are only in memory. `/metrics`
 * shows the totals. The chart of the status page shows the results of each hour.
 *
 * @module
 */

import type { CourierEvent } from "../delivery/attempt_group.ts";

/** An hour, in milliseconds. */
export const HOUR_MS = 3_600_000;

/** The number of hours that are kept: the current hour and the hours before it. */
const HOURS = 24;

/** The upper bounds of the histogram of delivery delays, in seconds. */
export const DELAY_BOUNDS: readonly number[] = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 21_600, 86_400];

/** The results of attempts in a period. */
export interface Counts {
  /** Notifications that were delivered. */
  readonly delivered: number;
  /** Attempts that failed and are repeated. */
  readonly failed: number;
  /** Notifications that became dead letters. */
  readonly dead: number;
}

/** The results of an hour. */
export interface HourCounts extends Counts {
  /** The beginning of the hour, in milliseconds since 1970. */
  readonly start: number;
}

/** The results of one channel since `serve` started. */
export interface ChannelTotals {
  delivered: number;
  dead: number;
  /** Failed attempts by failure class. */
  readonly failed: Map<string, number>;
  /** The time from the queueing to the delivery of each delivered notification. */
  readonly delay: {
    /**
     * The number of deliveries for each bound of {@linkcode DELAY_BOUNDS}. A delivery is counted
     * once, at the smallest bound that its delay does not exceed. One more number at the end counts
     * the deliveries whose delay exceeds all bounds.
     */
    readonly buckets: number[];
    sumSeconds: number;
  };
}

/** No results. */
export const NONE: Counts = { delivered: 0, failed: 0, dead: 0 };

/** Counts the results of attempts. */
export class DeliveryCounters {
  /** The time of the start, in milliseconds since 1970. */
  readonly since: number;
  readonly #now: () => number;
  /** The results. The outer key is the number of the hour since 1970, the inner key the channel. */
  readonly #hours = new Map<number, Map<string, Counts>>();
  readonly #totals = new Map<string, ChannelTotals>();

  constructor(now: () => number) {
    this.#now = now;
    this.since = now();
  }

  /** The results since the start, by channel. */
  get totals(): ReadonlyMap<string, Readonly<ChannelTotals>> {
    return this.#totals;
  }

  /** Adds channels without results, so that their totals begin at 0. */
  addChannels(names: Iterable<string>): void {
    for (const name of names) if (!this.#totals.has(name)) this.#totals.set(name, createTotals());
  }

  /**
   * Counts the result of an attempt, or the expiry of an entry. A delivered batch counts once for
   * each member.
   */
  count({ entry, result }: CourierEvent): void {
    const { channel, members = [entry] } = entry;
    const totals = this.#totals.get(channel) ?? createTotals();
    this.#totals.set(channel, totals);
    if (result.state === "delivered") {
      totals.delivered += members.length;
      for (const { time } of members) this.#countDelay(totals, time);
      return this.#countHour(channel, { ...NONE, delivered: members.length });
    }
    // If a batch is rejected, each member is sent again alone. So the batch is not a dead letter.
    if (result.state === "dead" && entry.members === undefined) {
      totals.dead++;
      return this.#countHour(channel, { ...NONE, dead: 1 });
    }
    const failureClass = result.state === "failed" ? result.class : "rejected";
    totals.failed.set(failureClass, (totals.failed.get(failureClass) ?? 0) + 1);
    this.#countHour(channel, { ...NONE, failed: 1 });
  }

  #countDelay({ delay }: ChannelTotals, time: number): void {
    const seconds = Math.max(0, this.#now() - time) / 1000;
    const bucket = DELAY_BOUNDS.findIndex((bound) => seconds <= bound);
    delay.buckets[bucket < 0 ? DELAY_BOUNDS.length : bucket]++;
    delay.sumSeconds += seconds;
  }

  #countHour(channel: string, counts: Counts): void {
    const hour = this.#currentHour();
    for (const old of this.#hours.keys()) if (old <= hour - HOURS || old > hour) this.#hours.delete(old);
    const channels = this.#hours.get(hour) ?? new Map<string, Counts>();
    this.#hours.set(hour, channels.set(channel, add(channels.get(channel) ?? NONE, counts)));
  }

  /**
   * Returns the counts for the current hour and the 23 hours before. The current hour is last. Each
   * hour starts on the hour, in UTC.
   *
   * @param channel counts only the results of this channel. @default all channels
   */
  hours(channel?: string): readonly HourCounts[] {
    const current = this.#currentHour();
    return Array.from({ length: HOURS }, (_, at) => {
      const hour = current - HOURS + 1 + at;
      const channels = this.#hours.get(hour);
      const counts = channel === undefined ? [...channels?.values() ?? []] : [channels?.get(channel) ?? NONE];
      return { start: hour * HOUR_MS, ...counts.reduce(add, NONE) };
    });
  }

  #currentHour(): number {
    return Math.floor(this.#now() / HOUR_MS);
  }
}

function createTotals(): ChannelTotals {
  const buckets = Array.from({ length: DELAY_BOUNDS.length + 1 }, () => 0);
  return { delivered: 0, dead: 0, failed: new Map(), delay: { buckets, sumSeconds: 0 } };
}

/** Adds the results of two periods. */
export function add(one: Counts, other: Counts): Counts {
  return {
    delivered: one.delivered + other.delivered,
    failed: one.failed + other.failed,
    dead: one.dead + other.dead,
  };
}
