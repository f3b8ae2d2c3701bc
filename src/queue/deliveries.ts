/**
 * When each lane delivered last: what a pace is measured by. A compaction forgets it, which lets a lane go on a little sooner and costs nothing else.
 *
 * @module
 */

/** How many deliveries of a lane are remembered; no pace counts more. */
export const MAX_REMEMBERED = 20;

/** The last deliveries of each lane. */
export class Deliveries {
  readonly #times = new Map<string, readonly number[]>();

  /** Remembers one. A digest counts as many as are remembered: while a flood goes on, a lane with a pace says one thing at a time. */
  add(lane: string, time: number, isDigest: boolean): void {
    const times = isDigest
      ? Array<number>(MAX_REMEMBERED).fill(time)
      : [...this.of(lane).slice(1 - MAX_REMEMBERED), time];
    this.#times.set(lane, times);
  }

  /** When a lane delivered last, milliseconds since 1970, the newest at the end. */
  of(lane: string): readonly number[] {
    return this.#times.get(lane) ?? [];
  }
}
