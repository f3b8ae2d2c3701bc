/**
 * What the queue knows of channels and their lanes: what a channel waits for after a failure, and
 * when a lane delivered last.
 *
 * A failure of the server or the account concerns every entry of its channel, and any definite
 * response ends it. A failure of one destination does not count here.
 *
 * @module
 */

import { type ChannelState, type Entry, type EntryState, type Lane, laneKey } from "./entry.ts";
import { LANE_RETENTION_MS, MAX_REMEMBERED_DELIVERIES } from "./limits.ts";
import type { ChannelRecord, LaneRecord, NackRecord, Wait, WaitClass } from "./record.ts";

const NO_FAILURE: ChannelState = { failures: 0 };

/** Failure classes that concern one lane and show that the account works. */
const LANE_CLASSES: ReadonlySet<string> = new Set<WaitClass>(["destination", "destination-busy", "unverified"]);

/** The channels that failed. */
export class ChannelStates {
  readonly #failed = new Map<string, ChannelState>();

  get(name: string): ChannelState {
    return this.#failed.get(name) ?? NO_FAILURE;
  }

  /** The state of an entry, which depends on its channel. */
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

  /** Records a definite response of the service. */
  onAnswer(name: string): void {
    this.#failed.delete(name);
  }

  /** Ends the backoff. What the server asked for stays. */
  flush(): void {
    for (const [name, { failures, wait }] of this.#failed) {
      if (wait) this.#failed.set(name, { failures, wait: { ...wait, next: wait.notBefore } });
    }
  }

  /** Applies what a compaction kept. */
  restore({ channel, failures, wait }: ChannelRecord): void {
    this.#failed.set(channel, { failures, wait });
  }

  /** Creates the records that a compaction keeps. */
  *snapshot(): Generator<ChannelRecord> {
    for (const [channel, state] of this.#failed) yield { t: "chan", channel, ...state };
  }
}

/** The last deliveries of each lane, for rate limits. */
export class RecentDeliveries {
  readonly #lanes = new Map<string, LaneRecord>();

  /**
   * Records a delivery. A batch counts as many as are remembered: under a rate limit, a lane sends
   * one batch at a time.
   */
  add({ channel, destination }: Lane, time: number, isBatch: boolean): void {
    const delivered = isBatch
      ? Array<number>(MAX_REMEMBERED_DELIVERIES).fill(time)
      : [...this.get({ channel, destination }).slice(1 - MAX_REMEMBERED_DELIVERIES), time];
    this.restore({ t: "lane", channel, destination, delivered });
  }

  /** When a lane delivered, in milliseconds since 1970, the newest at the end. */
  get(lane: Lane): readonly number[] {
    return this.#lanes.get(laneKey(lane))?.delivered ?? [];
  }

  /** Applies what a compaction kept. */
  restore(record: LaneRecord): void {
    this.#lanes.set(laneKey(record), record);
  }

  /** Creates the records that a compaction keeps. */
  snapshot(now: number): LaneRecord[] {
    return [...this.#lanes.values()].filter(({ delivered }) => (delivered.at(-1) ?? 0) > now - LANE_RETENTION_MS);
  }
}
