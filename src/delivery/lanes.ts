/**
 * Who goes next. Within a lane the order of arrival is kept: a head that waits stops its lane, a dead one does not. What concerns an
 * account stops all of its lanes.
 *
 * @module
 */

import { type Entry, laneOf, type Wait } from "../queue/entry.ts";
import { RESET_GAP_MS } from "./classify.ts";

/** What the lanes need to know of the queue. */
export interface LaneSource {
  live(): Entry[];
  channel(name: string): { readonly wait?: Wait };
}

/** Whether the open attempt of an entry is under way, and was not killed with the process that announced it. */
export type IsUnderWay = (entry: Entry) => boolean;

/** The head of a lane, and when it may leave. */
export interface Head {
  readonly entry: Entry;
  /** Milliseconds since 1970; 0 for at once. */
  readonly ready: number;
}

/** The heads of all lanes, in the order of arrival. */
export function heads(queue: LaneSource, isUnderWay: IsUnderWay): Head[] {
  const seen = new Set<string>();
  const result: Head[] = [];
  for (const entry of queue.live()) {
    const lane = laneOf(entry);
    if (seen.has(lane)) continue;
    seen.add(lane);
    result.push({ entry, ready: readyAt(entry, queue, isUnderWay) });
  }
  return result;
}

/** Which entries {@linkcode nextOf} looks for. */
export interface NextOptions {
  readonly channel: string;
  readonly now: number;
  /** How many at most. */
  readonly limit: number;
  readonly isUnderWay: IsUnderWay;
}

/** The next entries of one channel that may leave now, in the order of arrival, each behind those of its lane. */
export function nextOf(queue: LaneSource, { channel, now, limit, isUnderWay }: NextOptions): Entry[] {
  const blocked = new Set<string>();
  const result: Entry[] = [];
  for (const entry of queue.live()) {
    if (entry.channel !== channel) continue;
    const lane = laneOf(entry);
    if (blocked.has(lane)) continue;
    if (readyAt(entry, queue, isUnderWay) > now) {
      blocked.add(lane);
      continue;
    }
    result.push(entry);
    if (result.length === limit) break;
  }
  return result;
}

function readyAt(entry: Entry, queue: LaneSource, isUnderWay: IsUnderWay): number {
  const killed = entry.open !== undefined && !isUnderWay(entry);
  return Math.max(
    entry.wait?.next ?? 0,
    queue.channel(entry.channel).wait?.next ?? 0,
    killed ? entry.open.time + RESET_GAP_MS : 0,
  );
}
