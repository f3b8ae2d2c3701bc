/**
 * When a lane is crowded, and what of it becomes digests: entries that stand together, so that nobody is overtaken, and as many as there is room to tell of. What
 * is critical stays by itself, as does what may have arrived already.
 *
 * @module
 */

import type { Channel } from "../channels/channel.ts";
import { batchOutline, fitsEverywhere, hasLineForEach } from "../notification/batch.ts";
import { MAX_BATCH_MEMBERS, RATE_LIMITED_BATCH_OVER } from "./rate_policy.ts";
import type { Incident } from "../notification/incident.ts";
import { bisectLargest } from "../base/bisect.ts";
import { isNotification } from "../notification/notification.ts";
import { type Entry, laneKey } from "../queue/entry.ts";
import { canBeBatched } from "../queue/ordered_entries.ts";
import { itemsOf } from "./attempt.ts";
import { isReady, type LaneContext, type LaneSource } from "./schedule.ts";
import { isCritical } from "./urgency.ts";

/** The lanes of a channel, looked at before it is served. */
export interface BatchPlan {
  /** What becomes a digest now, a group for each. */
  readonly groups: readonly (readonly Entry[])[];
  /** Whether a lane is crowded behind a head that goes by itself: then nothing more goes out of it before it is looked at again. */
  readonly headGoesAlone: boolean;
}

/** What a crowd needs to know of the queue. */
export interface BatchSource extends LaneSource {
  findIncident(entry: Entry): Incident | undefined;
}

/** Looks for crowded lanes whose turn it is. */
export function planBatches(queue: BatchSource, channel: Channel, context: LaneContext): BatchPlan {
  const { delays } = context;
  const waiting = queue.liveEntries().filter((entry) =>
    entry.channel === channel.name && delays.of(entry) === undefined
  );
  if (waiting.length < 2) return NOBODY;
  const groups: Entry[][] = [];
  let headGoesAlone = false;
  for (const lane of Map.groupBy(waiting, laneKey).values()) {
    const [head] = lane;
    if (lane.filter(isOrdinary).length <= backlogOf(head, queue, context) || !isReady(head, queue, context)) continue;
    if (isOrdinary(head)) groups.push(...runsOf(lane).flatMap((run) => splitRun(run, channel, queue)));
    else headGoesAlone = true;
  }
  return { groups, headGoesAlone: headGoesAlone };
}

const NOBODY: BatchPlan = { groups: [], headGoesAlone: false };

/** How many may wait and still go one by one: few where each costs seconds, and one where they have waited for their user's sake. */
function backlogOf(head: Entry, queue: LaneSource, { delays }: LaneContext): number {
  const { batchOver } = delays.policyOf(head.channel);
  if (batchOver === Infinity) return Infinity;
  if (delays.wasDelayed(head)) return 1;
  return queue.channelState(head.channel).wait?.class === "rate-limited"
    ? Math.min(RATE_LIMITED_BATCH_OVER, batchOver)
    : batchOver;
}

/** Whether an entry may go out in a digest. */
function isOrdinary(entry: Entry): boolean {
  return canBeBatched(entry) && isNotification(entry.notification) && !isCritical(entry.notification);
}

/** Those that stand together. */
function runsOf(lane: readonly Entry[]): Entry[][] {
  const runs: Entry[][] = [[]];
  for (const entry of lane) {
    if (isOrdinary(entry)) runs[runs.length - 1].push(entry);
    else runs.push([]);
  }
  return runs;
}

/** Cuts a run where a digest has no room for another line. Who is left alone goes alone. */
function splitRun(run: readonly Entry[], channel: Channel, queue: BatchSource): Entry[][] {
  const hasRoomFor = (entries: readonly Entry[]) => {
    const digest = batchOutline(itemsOf(entries, (entry) => queue.findIncident(entry)));
    return channel.hasRoomFor?.(digest) ?? hasLineForEach(digest, fitsEverywhere);
  };
  const digests: Entry[][] = [];
  for (let rest = run; rest.length > 1;) {
    const most = Math.min(rest.length, MAX_BATCH_MEMBERS);
    const count = bisectLargest(1, most, (count) => hasRoomFor(rest.slice(0, count)));
    if (count > 1) digests.push(rest.slice(0, count));
    rest = rest.slice(count);
  }
  return digests;
}
