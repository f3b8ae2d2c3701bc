/**
 * When a lane is crowded, and what of it becomes digests: entries that stand together, so that nobody is overtaken. What is critical stays by itself, as does
 * what may have arrived already.
 *
 * @module
 */

import { LIMITED_BACKLOG, MAX_DIGEST_MEMBERS } from "../flood.ts";
import { isNotification } from "../notification.ts";
import { type Entry, laneOf } from "../queue/entry.ts";
import { mayBeGathered } from "../queue/line.ts";
import { isReady, type LaneContext, type LaneSource } from "./lanes.ts";
import { isCritical } from "./urgency.ts";

/** The lanes of a channel, looked at before it is served. */
export interface Crowd {
  /** What becomes a digest now, a group for each. */
  readonly groups: readonly (readonly Entry[])[];
  /** Whether a lane is crowded behind a head that goes by itself: then nothing more goes out of it before it is looked at again. */
  readonly isBehind: boolean;
}

/** Looks for crowded lanes whose turn it is. */
export function crowdOf(queue: LaneSource, channel: string, context: LaneContext): Crowd {
  const { holds } = context;
  const waiting = queue.live().filter((entry) => entry.channel === channel && holds.of(entry) === undefined);
  if (waiting.length < 2) return NOBODY;
  const groups: Entry[][] = [];
  let isBehind = false;
  for (const lane of Map.groupBy(waiting, laneOf).values()) {
    const [head] = lane;
    if (lane.filter(isOrdinary).length <= backlogOf(head, queue, context) || !isReady(head, queue, context)) continue;
    if (isOrdinary(head)) groups.push(...runsOf(lane));
    else isBehind = true;
  }
  return { groups, isBehind };
}

const NOBODY: Crowd = { groups: [], isBehind: false };

/** How many may wait and still go one by one: few where each costs seconds, and one where they have waited for their user's sake. */
function backlogOf(head: Entry, queue: LaneSource, { holds }: LaneContext): number {
  const { backlog } = holds.policyOf(head.channel);
  if (backlog === Infinity) return Infinity;
  if (holds.wereOver(head)) return 1;
  return queue.channel(head.channel).wait?.class === "limited" ? Math.min(LIMITED_BACKLOG, backlog) : backlog;
}

/** Whether an entry may go out in a digest. */
function isOrdinary(entry: Entry): boolean {
  return mayBeGathered(entry) && isNotification(entry.notification) && !isCritical(entry.notification);
}

/** Those that stand together, as many as a digest holds; whoever stands alone goes alone. */
function runsOf(lane: readonly Entry[]): Entry[][] {
  const runs: Entry[][] = [[]];
  for (const entry of lane) {
    const run = runs[runs.length - 1];
    if (!isOrdinary(entry)) runs.push([]);
    else if (run.length < MAX_DIGEST_MEMBERS) run.push(entry);
    else runs.push([entry]);
  }
  return runs.filter((run) => run.length > 1);
}
