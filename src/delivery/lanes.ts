/**
 * Who goes next. Within a lane the order of arrival is kept: a head that waits stops its lane, a dead one does not. What concerns an
 * account stops all of its lanes.
 *
 * @module
 */

import { type Entry, laneOf, type Wait } from "../queue/entry.ts";

/** What the lanes need to know of the queue. */
export interface LaneSource {
  live(): Entry[];
  channel(name: string): { readonly wait?: Wait };
}

/** Until when an entry must rest whose open attempt was killed in flight; 0 for one that is under way. */
export type RestOf = (entry: Entry) => number;

/** The head of a lane, and when it may leave. */
export interface Head {
  readonly entry: Entry;
  /** Milliseconds since 1970; 0 for at once. */
  readonly ready: number;
}

/** The heads of all lanes by the name of the lane, in the order of arrival. */
export function heads(queue: LaneSource, restOf: RestOf): Map<string, Head> {
  const result = new Map<string, Head>();
  for (const entry of queue.live()) {
    const lane = laneOf(entry);
    if (!result.has(lane)) result.set(lane, { entry, ready: readyAt(entry, queue, restOf) });
  }
  return result;
}

/** Which entries {@linkcode nextOf} looks for. */
export interface NextOptions {
  readonly channel: string;
  readonly now: number;
  /** How many at most. */
  readonly limit: number;
  readonly restOf: RestOf;
}

/** The next entries of one channel that may leave now, in the order of arrival, each behind those of its lane. */
export function nextOf(queue: LaneSource, { channel, now, limit, restOf }: NextOptions): Entry[] {
  const blocked = new Set<string>();
  const result: Entry[] = [];
  for (const entry of queue.live()) {
    if (entry.channel !== channel) continue;
    const lane = laneOf(entry);
    if (blocked.has(lane)) continue;
    if (readyAt(entry, queue, restOf) > now) {
      blocked.add(lane);
      continue;
    }
    result.push(entry);
    if (result.length === limit) break;
  }
  return result;
}

function readyAt(entry: Entry, queue: LaneSource, restOf: RestOf): number {
  return Math.max(
    entry.wait?.next ?? 0,
    queue.channel(entry.channel).wait?.next ?? 0,
    entry.open === undefined ? 0 : restOf(entry),
  );
}
