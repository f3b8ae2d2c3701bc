/**
 * Who goes next. Within a lane the order of arrival is kept: a head that waits stops its lane, a dead one does not. What concerns an
 * account stops all of its lanes. What is held for its user's sake, by quiet hours or by a pace, lets those pass that are not.
 *
 * @module
 */

import { type Entry, laneKey, type Wait } from "../queue/entry.ts";
import { CLOCK_SLACK_MS, type Delays } from "./delays.ts";

/** What the lanes need to know of the queue. */
export interface LaneSource {
  /** What will be tried, in the order of arrival. */
  liveEntries(): Entry[];
  channelState(name: string): { readonly wait?: Wait };
}

/** What the lanes depend on besides the queue. */
export interface LaneContext {
  readonly now: number;
  /** Whether a channel of that name is configured; the entries of others are left for whoever knows it. */
  readonly knows: (channel: string) => boolean;
  readonly delays: Delays;
}

/** The head of a lane, and when it may leave. */
export interface Head {
  readonly entry: Entry;
  /** Milliseconds since 1970; 0 for at once. */
  readonly ready: number;
}

/** The heads of all lanes by the name of the lane, in the order of arrival. */
export function heads(queue: LaneSource, context: LaneContext): Map<string, Head> {
  const result = new Map<string, Head>();
  const held = new Set<string>();
  for (const entry of queue.liveEntries()) {
    const lane = laneKey(entry);
    if (!context.knows(entry.channel) || (result.has(lane) && !held.has(lane))) continue;
    const hold = context.delays.of(entry);
    const ready = Math.max(readyAt(entry, queue, context), hold?.until ?? 0);
    if (hold === undefined) held.delete(lane);
    // Of those that are all held, fallbacks among them, the first is whose wait ends first.
    else if ((result.get(lane)?.ready ?? Infinity) <= ready) continue;
    else held.add(lane);
    result.set(lane, { entry, ready });
  }
  return result;
}

/** Whether nothing but its place in the line is in an entry's way. */
export function isReady(entry: Entry, queue: LaneSource, context: LaneContext): boolean {
  return readyAt(entry, queue, context) <= context.now;
}

/**
 * The next entries of one channel that may leave now, at most `limit`, in the order of arrival, each behind those of its lane. Lanes whose head failed come
 * last, so that a room which fails for ever, and makes the whole account rest each time, takes nobody else's turn.
 */
export function nextOf(queue: LaneSource, channel: string, limit: number, context: LaneContext): Entry[] {
  const blocked = new Set<string>();
  const result: Entry[] = [];
  for (const entry of inTurn(queue.liveEntries().filter((entry) => entry.channel === channel))) {
    const lane = laneKey(entry);
    if (blocked.has(lane) || context.delays.of(entry)) continue;
    if (!isReady(entry, queue, context)) {
      blocked.add(lane);
      continue;
    }
    result.push(entry);
    // Whether the next of a lane with a pace may go is known when this one is delivered.
    if (context.delays.policyOf(channel).rateLimit) blocked.add(lane);
    if (result.length === limit) break;
  }
  return result;
}

/** Those of lanes that did not fail, then those of lanes that did, the latest to fail at the end. */
function inTurn(entries: readonly Entry[]): readonly Entry[] {
  if (!entries.some(({ wait }) => wait)) return entries;
  const failures = new Map<string, number>();
  for (const entry of entries) {
    const lane = laneKey(entry);
    if (!failures.has(lane)) failures.set(lane, entry.wait?.since ?? 0);
  }
  const failureOf = (entry: Entry) => failures.get(laneKey(entry)) ?? 0;
  return entries.toSorted((a, b) => failureOf(a) - failureOf(b));
}

function readyAt(entry: Entry, queue: LaneSource, { now }: LaneContext): number {
  return Math.max(waitedUntil(entry.wait, now), waitedUntil(queue.channelState(entry.channel).wait, now));
}

/** A wait that was decided in the future was decided by a clock that was wrong: nobody waits for that. */
function waitedUntil(wait: Wait | undefined, now: number): number {
  return wait === undefined || wait.since > now + CLOCK_SLACK_MS ? 0 : wait.next;
}
