/**
 * The schedule: which entries may leave now, and when the others may.
 *
 * ```text
 * An entry leaves when
 *   its own wait is over         a retry (retry.ts)
 *   its channel's wait is over   trouble with a server or an account stops all lanes of the channel
 *   it is not delayed            quiet hours, rate limit, pending fallback (delays.ts)
 *   it is the head of its lane   order of arrival; dead letters and delayed entries do not block
 * ```
 *
 * @module
 */

import { type Entry, laneKey } from "../queue/entry.ts";
import type { Wait } from "../queue/record.ts";
import { isFromFuture } from "./clock.ts";
import { Delays, type DelaySource, type Policies } from "./delays.ts";

/** The parts of the queue that a schedule is computed from. */
export interface ScheduleSource extends DelaySource {
  channelState(name: string): { readonly wait?: Wait };
}

/** The configuration of a schedule. */
export interface ScheduleOptions {
  /** @default the default policy for every channel */
  readonly policies?: Policies;
  /**
   * True if a channel of that name is configured. Entries of other channels stay in the queue for a
   * process that knows them.
   *
   * @default every channel is configured
   */
  readonly isConfigured?: (channel: string) => boolean;
}

/** The head of a lane. */
export interface Head {
  readonly entry: Entry;
  /** When it may leave, milliseconds since 1970; 0 for at once. */
  readonly ready: number;
}

/**
 * One look at the queue at one time. Valid until the queue changes: build a new one after every
 * `await`.
 */
export class Schedule {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly delays: Delays;
  readonly #queue: ScheduleSource;
  readonly #isConfigured: (channel: string) => boolean;
  /** The entries that will be tried, in the order of arrival. */
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
    this.#entries = queue.liveEntries();
  }

  /** The heads of all lanes, in the order of arrival. */
  heads(): readonly Head[] {
    this.#heads ??= this.#findHeads();
    return [...this.#heads.values()];
  }

  /**
   * When each lane may deliver its head, milliseconds since 1970, by the key of the lane; 0 for at
   * once.
   */
  readyTimes(): ReadonlyMap<string, number> {
    this.#heads ??= this.#findHeads();
    return new Map(Array.from(this.#heads, ([lane, { ready }]) => [lane, ready]));
  }

  /** True if neither an entry nor its channel waits for a retry. */
  isReady(entry: Entry): boolean {
    return this.#readyTime(entry) <= this.now;
  }

  /** The entries of a channel that are not delayed, in the order of arrival. */
  undelayed(channel: string): readonly Entry[] {
    return this.#entries.filter((entry) => entry.channel === channel && this.delays.of(entry) === undefined);
  }

  /**
   * The next entries of a channel that may leave now, at most `limit`. Each follows the entries
   * before it in its lane. Lanes whose head failed come last: a room that always fails makes the
   * account back off each time, and must not take the turn of other rooms.
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
      // Only after this delivery it is known whether the rate limit lets the next one pass.
      if (this.delays.policyOf(channel).rateLimit) blockedLanes.add(lane);
      if (result.length === limit) break;
    }
    return result;
  }

  /** By lane. If all entries of a lane are delayed, its head is the one whose delay ends first. */
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
 * Entries of lanes without a failure first, then the others; the lane that failed last comes last.
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
