/**
 * Remembers the wait of each channel after a failure. Also remembers the times of the last
 * deliveries of each lane (one destination of one channel).
 *
 * A failure of the server or the account affects all entries of the channel. The failure is over
 * when a response shows that the server and the account work. A failure of one destination is not a
 * failure of the channel.
 *
 * @module
 */

import type { ChannelState, Entry, EntryState, Lane } from "./entry.ts";
import { LaneMap } from "./lane_index.ts";
import { LANE_RETENTION_MS, MAX_REMEMBERED_DELIVERIES } from "./limits.ts";
import type { ChannelRecord, FlushReach, LaneRecord, NackRecord, Wait, WaitClass } from "./record.ts";

const NO_FAILURE: ChannelState = { failures: 0 };

/**
 * The failure classes that affect only one destination of a channel. The server and the account of
 * the channel work.
 */
const LANE_CLASSES: ReadonlySet<string> = new Set<WaitClass>(["destination", "destination-busy", "unverified"]);

/** The failures and the waits of all channels. */
export class ChannelStates {
  readonly #failed = new Map<string, ChannelState>();

  get(name: string): ChannelState {
    return this.#failed.get(name) ?? NO_FAILURE;
  }

  /**
   * Returns the state of an entry. A waiting entry is `held` if its channel waits for new
   * credentials.
   */
  entryState({ channel, dead, attempts }: Entry): EntryState {
    if (dead) return "dead";
    if (this.get(channel).wait?.class === "credentials") return "held";
    return attempts > 0 ? "deferred" : "queued";
  }

  /** Records a failed attempt. */
  onFailure(name: string, { class: failureClass, killed }: Pick<NackRecord, "class" | "killed">, wait: Wait): void {
    if (killed) return;
    if (LANE_CLASSES.has(failureClass)) return this.onAnswer(name);
    this.#failed.set(name, { failures: this.get(name).failures + 1, wait });
  }

  /** Records a response that shows that the server and the account work. */
  onAnswer(name: string): void {
    this.#failed.delete(name);
  }

  /** Lets channels that wait after a failure try again at once. `reach` selects the channels. */
  flush(reach: FlushReach): void {
    for (const [name, { failures, wait }] of this.#failed) {
      if (wait) this.#failed.set(name, { failures, wait: shortenWait(wait, reach) });
    }
  }

  /** Ends the wait of a channel, so that the next entry is tried now. */
  endWait(name: string): void {
    const { failures, wait } = this.get(name);
    if (wait) this.#failed.set(name, { failures, wait: shortenWait(wait, "all") });
  }

  /** Restores the state of a channel from a compacted journal. */
  restore({ channel, failures, wait }: ChannelRecord): void {
    this.#failed.set(channel, { failures, wait });
  }

  /** Creates the records for a compacted journal. */
  *snapshot(): Generator<ChannelRecord> {
    for (const [channel, state] of this.#failed) yield { t: "chan", channel, ...state };
  }
}

/**
 * The longest time for which a server may still process a failed request, in milliseconds. This is
 * the same time as `TIMEOUT_GAP_MS` in delivery/classify.ts.
 */
const LONGEST_GAP_MS = 30_000;

/** The failure classes that mean that the server or the network is down. */
const OUTAGE_CLASSES: ReadonlySet<string> = new Set<WaitClass>(["not-sent", "not-the-service", "in-doubt"]);

/**
 * Shortens a wait after a flush (a request to try all entries now). `reach` selects the waits to
 * shorten. A wait that prevents duplicate messages never ends early.
 */
export function shortenWait(wait: Wait, reach: FlushReach): Wait {
  if (reach === "outage" && !OUTAGE_CLASSES.has(wait.class)) return wait;
  const notBefore = reach === "all" ? earliestRetry(wait) : wait.notBefore;
  return { ...wait, next: notBefore, notBefore };
}

/** Returns the earliest time of the next attempt. Ignores a wait that the server asked for. */
function earliestRetry({ class: failureClass, since, notBefore }: Wait): number {
  if (failureClass === "unverified") return notBefore;
  return failureClass === "in-doubt" ? Math.min(notBefore, since + LONGEST_GAP_MS) : 0;
}

/** The last deliveries of each lane, for rate limits. */
export class RecentDeliveries {
  readonly #lanes = new LaneMap<Lane & { readonly delivered: number[] }>();

  /**
   * Records a delivery. A batch (several entries in one message) counts as
   * {@linkcode MAX_REMEMBERED_DELIVERIES} deliveries. Therefore no further delivery is allowed
   * after a batch until the period of the rate limit ends.
   */
  add(lane: Lane, time: number, isBatch: boolean): void {
    const known = this.#lanes.get(lane);
    const delivered = known?.delivered ?? [];
    if (known === undefined) {
      const { channel, destination } = lane;
      this.#lanes.set(lane, { channel, destination, delivered });
    }
    for (let count = isBatch ? MAX_REMEMBERED_DELIVERIES : 1; count > 0; count--) delivered.push(time);
    while (delivered.length > MAX_REMEMBERED_DELIVERIES) delivered.shift();
  }

  /**
   * Returns the times of the last deliveries of a lane, in milliseconds since 1970, oldest first.
   */
  get(lane: Lane): readonly number[] {
    return this.#lanes.get(lane)?.delivered ?? [];
  }

  /** Replaces the remembered deliveries of a lane (channel and destination). */
  restore({ channel, destination, delivered }: LaneRecord): void {
    this.#lanes.set({ channel, destination }, { channel, destination, delivered: [...delivered] });
  }

  /** Creates the records for a compacted journal. */
  snapshot(now: number): LaneRecord[] {
    const recent = this.#lanes.values().filter(({ delivered }) => (delivered.at(-1) ?? 0) > now - LANE_RETENTION_MS);
    return [...recent.map((lane): LaneRecord => ({ t: "lane", ...lane }))];
  }
}
