/**
 * The schedule: decides which entries can be sent now, and when the other entries can be sent.
 *
 * ```text
 * An entry can be sent if
 *   its wait is over             after a failed attempt (retry.ts)
 *   its channel's wait is over   a problem of a server or an account stops all lanes of the channel
 *   it is not delayed            by quiet hours, a rate limit, or as a pending fallback (delays.ts)
 *   it is the head of its lane   order of arrival; dead letters and delayed entries do not block
 * ```
 *
 * @module
 */

import { type Entry, isUndecided, laneKey } from "../queue/entry.ts";
import type { Wait } from "../queue/record.ts";
import { isFromFuture } from "./clock.ts";
import { Delays, type DelaySource, type Policies } from "./delays.ts";

/** The parts of the queue from which a schedule is computed. */
export interface ScheduleSource extends DelaySource {
  channelState(name: string): { readonly wait?: Wait };
}

/** The configuration of a schedule. */
export interface ScheduleOptions {
  /**
   * The policies (batches, rate limit, quiet hours) by channel name.
   *
   * @default the default policy for every channel
   */
  readonly policies?: Policies;
  /**
   * Returns true if this process has a channel with this name. Entries of other channels stay in
   * the queue for a process that has these channels.
   *
   * @default every channel is configured
   */
  readonly isConfigured?: (channel: string) => boolean;
}

/** The head (next entry) of a lane (one channel and destination). */
export interface Head {
  readonly entry: Entry;
  /** The earliest time to send the entry, in milliseconds since 1970; 0 means now. */
  readonly ready: number;
}

/**
 * The schedule of a queue, calculated for one point in time. The schedule is valid only until the
 * queue changes. Therefore create a new schedule after every `await`.
 */
export class Schedule {
  /** The time of the schedule, in milliseconds since 1970. */
  readonly now: number;
  readonly delays: Delays;
  readonly #queue: ScheduleSource;
  readonly #isConfigured: (channel: string) => boolean;
  /** The entries that can be sent or wait to be sent, in the order of arrival. */
  readonly #entries: readonly Entry[];
  #heads?: ReadonlyMap<string, Head>;

  constructor(
    now: number,
    queue: ScheduleSource,
    { policies = new Map(), isConfigured = () => true }: ScheduleOptions = {},
  ) {
    this.now = now;
    this.delays = new Delays(now, queue, policies);
    this.#queue = queue;
    this.#isConfigured = isConfigured;
    this.#entries = queue.liveEntries().filter((entry) => !isUndecided(entry));
  }

  /** Returns the heads (next entries) of all lanes, in the order of arrival. */
  heads(): readonly Head[] {
    this.#heads ??= this.#findHeads();
    return [...this.#heads.values()];
  }

  /**
   * Returns the earliest time to send the head (next entry) of each lane, by lane key. Times are in
   * milliseconds since 1970; 0 means now.
   */
  readyTimes(): ReadonlyMap<string, number> {
    this.#heads ??= this.#findHeads();
    return new Map(Array.from(this.#heads, ([lane, { ready }]) => [lane, ready]));
  }

  /** Returns true if the wait of an entry and the wait of its channel are over. */
  isReady(entry: Entry): boolean {
    return this.#readyTime(entry) <= this.now;
  }

  /** Returns the entries of a channel that are not delayed, in the order of arrival. */
  undelayed(channel: string): readonly Entry[] {
    return this.#entries.filter((entry) => entry.channel === channel && this.delays.of(entry) === undefined);
  }

  /**
   * Returns the next entries of a channel that can be sent now, at most `limit`. The order of the
   * entries for each destination is kept. Destinations whose next entry failed are last: a failure
   * in one room can make the whole account wait, so working rooms are tried first.
   */
  next(channel: string, limit: number): Entry[] {
    const blockedLanes = new Set<string>();
    const result: Entry[] = [];
    for (const entry of byFailure(this.#entries.filter((entry) => entry.channel === channel))) {
      const lane = laneKey(entry);
      if (blockedLanes.has(lane) || this.delays.of(entry)) continue;
      if (!this.isReady(entry)) {
        blockedLanes.add(lane);
        continue;
      }
      result.push(entry);
      // This delivery counts towards the rate limit. Check the next entry of the lane after this
      // delivery.
      if (this.delays.policyOf(channel).rateLimit) blockedLanes.add(lane);
      if (result.length === limit) break;
    }
    return result;
  }

  /**
   * Finds the head (next entry) of each lane (one channel and destination). If all entries of a
   * lane are delayed, the head is the entry whose delay ends first.
   */
  #findHeads(): ReadonlyMap<string, Head> {
    const heads = new Map<string, Head>();
    const delayedLanes = new Set<string>();
    for (const entry of this.#entries) {
      const lane = laneKey(entry);
      const head = heads.get(lane);
      if (!this.#isConfigured(entry.channel) || (head !== undefined && !delayedLanes.has(lane))) continue;
      const delay = this.delays.of(entry);
      const ready = Math.max(this.#readyTime(entry), delay?.until ?? 0);
      if (delay === undefined) delayedLanes.delete(lane);
      else if (head !== undefined && head.ready <= ready) continue;
      else delayedLanes.add(lane);
      heads.set(lane, { entry, ready });
    }
    return heads;
  }

  #readyTime(entry: Entry): number {
    return Math.max(this.#waitEnd(entry.wait), this.#waitEnd(this.#queue.channelState(entry.channel).wait));
  }

  #waitEnd(wait: Wait | undefined): number {
    return wait === undefined || isFromFuture(wait.since, this.now) ? 0 : wait.next;
  }
}

/**
 * Sorts entries by lane (channel and destination): lanes without a failure are first. The other
 * lanes are sorted by the time of their last failure.
 */
function byFailure(entries: readonly Entry[]): readonly Entry[] {
  if (!entries.some(({ wait }) => wait)) return entries;
  const failures = new Map<string, number>();
  for (const entry of entries) {
    const lane = laneKey(entry);
    if (!failures.has(lane)) failures.set(lane, entry.wait?.since ?? 0);
  }
  const failureTime = (entry: Entry) => failures.get(laneKey(entry)) ?? 0;
  return entries.toSorted((a, b) => failureTime(a) - failureTime(b));
}
