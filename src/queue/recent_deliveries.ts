/** When each lane delivered last: what a pace is measured by. */

import { type Entry, laneKey } from "./entry.ts";
import type { LaneRecord } from "./record.ts";

/** How many deliveries of a lane are remembered; no pace counts more. */
export const MAX_REMEMBERED = 20;

/** A compaction forgets a lane that was silent for so long: no flood is that slow. */
const FORGOTTEN_AFTER_MS = 24 * 3_600_000;

type Lane = Pick<Entry, "channel" | "destination">;

/** The last deliveries of each lane. */
export class RecentDeliveries {
  readonly #lanes = new Map<string, LaneRecord>();

  /** Remembers one. A digest counts as many as are remembered: while a flood goes on, a lane with a pace says one thing at a time. */
  add({ channel, destination }: Lane, time: number, isBatch: boolean): void {
    const delivered = isBatch
      ? Array<number>(MAX_REMEMBERED).fill(time)
      : [...this.of({ channel, destination }).slice(1 - MAX_REMEMBERED), time];
    this.restore({ t: "lane", channel, destination, delivered });
  }

  /** Takes what a compaction left. */
  restore(record: LaneRecord): void {
    this.#lanes.set(laneKey(record), record);
  }

  /** When a lane delivered last, milliseconds since 1970, the newest at the end. */
  of(lane: Lane): readonly number[] {
    return this.#lanes.get(laneKey(lane))?.delivered ?? [];
  }

  /** What a compaction keeps. */
  snapshot(now: number): LaneRecord[] {
    return [...this.#lanes.values()].filter(({ delivered }) => (delivered.at(-1) ?? 0) > now - FORGOTTEN_AFTER_MS);
  }
}
