/**
 * The schedule: decides which entries can be sent now, and when the other entries can be sent.
 *
 * ```text
 * An entry can be sent if all conditions are true:
 *   its wait is over             the wait after a failed attempt (retry.ts)
 *   its channel's wait is over   a problem of a server or an account stops all lanes of the channel
 *   it is not delayed            quiet hours, rate limits and fallbacks cause delays (delays.ts)
 *   it is the head of its lane   the oldest entry that is not delayed and not a dead letter
 * ```
 *
 * @module
 */

import { isFromFuture } from "../base/clock.ts";
import { type Entry, isUndecided, type Lane, laneKey } from "../queue/entry.ts";
import { firstOf, type LaneEntries } from "../queue/lane_index.ts";
import type { Wait } from "../queue/record.ts";
import { Delays, type DelaySource, type Policies } from "./delays.ts";

/** The parts of the queue from which a schedule is computed. */
export interface ScheduleSource extends DelaySource {
  /** Iterates over the entries that are not dead letters, in the order of arrival. */
  eachLive(): Iterable<Entry>;
  /** Returns each lane with its entries, in the order of arrival. Dead letters are left out. */
  lanes(): Iterable<LaneEntries>;
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
  /** The heads (next entries) that were already found, by lane key. */
  readonly #heads = new Map<string, Head>();

  constructor(
    now: number,
    queue: ScheduleSource,
    { policies = new Map(), isConfigured = () => true }: ScheduleOptions = {},
  ) {
    this.now = now;
    this.delays = new Delays(now, queue, policies);
    this.#queue = queue;
    this.#isConfigured = isConfigured;
  }

  /** Returns the heads of all lanes. */
  heads(): readonly Head[] {
    return Array.from(this.#queue.lanes(), (lane) => this.#head(lane)).filter((head) => head !== undefined);
  }

  /**
   * Returns the earliest time to send the head of a lane, in milliseconds since 1970; 0 means now.
   * Returns undefined if nothing waits in the lane.
   */
  readyTime(lane: Lane): number | undefined {
    return this.#head(this.#queue.lane(lane))?.ready;
  }

  /** Returns true if the wait of an entry and the wait of its channel are over. */
  isReady(entry: Entry): boolean {
    return this.#waitEndOf(entry) <= this.now;
  }

  /** Returns the lanes of a channel. Leaves out entries whose destination is not known yet. */
  lanes(channel: string): readonly LaneEntries[] {
    return [...this.#queue.lanes()].filter((lane) => {
      const first = firstOf(lane);
      return first?.channel === channel && !isUndecided(first);
    });
  }

  /**
   * Returns the next entries of a channel that can be sent now, at most `limit`. The order of the
   * entries for each destination is kept. Destinations whose next entry failed are last: a failure
   * in one room can make the whole account wait, so working rooms are tried first.
   */
  next(channel: string, limit: number): Entry[] {
    const blockedLanes = new Set<string>();
    const result: Entry[] = [];
    for (const entry of this.#workingFirst(channel)) {
      const lane = laneKey(entry);
      if (blockedLanes.has(lane) || this.delays.of(entry)) continue;
      if (!this.isReady(entry)) {
        blockedLanes.add(lane);
        continue;
      }
      result.push(entry);
      // With a rate limit, take only one entry of each lane: each delivery counts towards the
      // limit.
      if (this.delays.policyOf(channel).rateLimit) blockedLanes.add(lane);
      if (result.length === limit) break;
    }
    return result;
  }

  /**
   * Iterates over the entries of a channel: first the entries of all lanes without a failure, in
   * the order of arrival; then the other lanes one after another, the oldest failure first.
   */
  *#workingFirst(channel: string): Generator<Entry> {
    const failureTime = (lane: LaneEntries) => firstOf(lane)?.wait?.since ?? 0;
    const failed = this.lanes(channel).filter((lane) => failureTime(lane) > 0);
    for (const entry of this.#queue.eachLive()) {
      if (entry.channel !== channel || isUndecided(entry)) continue;
      if (!failed.some((lane) => lane.has(entry.id))) yield entry;
    }
    for (const lane of failed.sort((a, b) => failureTime(a) - failureTime(b))) yield* lane.values();
  }

  /**
   * Finds the head of a lane. If all entries of the lane are delayed, the head is the entry whose
   * delay ends first.
   */
  #head(lane: LaneEntries): Head | undefined {
    const first = firstOf(lane);
    if (first === undefined || isUndecided(first) || !this.#isConfigured(first.channel)) return undefined;
    const key = laneKey(first);
    const head = this.#heads.get(key) ?? this.#findHead(lane);
    if (head) this.#heads.set(key, head);
    return head;
  }

  #findHead(lane: LaneEntries): Head | undefined {
    let delayed: Head | undefined;
    for (const entry of lane.values()) {
      const delay = this.delays.of(entry);
      const ready = Math.max(this.#waitEndOf(entry), delay?.until ?? 0);
      if (delay === undefined) return { entry, ready };
      if (delayed === undefined || ready < delayed.ready) delayed = { entry, ready };
    }
    return delayed;
  }

  #waitEndOf(entry: Entry): number {
    return Math.max(this.#waitEnd(entry.wait), this.#waitEnd(this.#queue.channelState(entry.channel).wait));
  }

  #waitEnd(wait: Wait | undefined): number {
    return wait === undefined || isFromFuture(wait.since, this.now) ? 0 : wait.next;
  }
}
