/**
 * When a lane is crowded, and what of it becomes digests: entries that stand together, so that nobody is overtaken, and as many as there is room to tell of. What
 * is critical stays by itself, as does what may have arrived already.
 *
 * @module
 */

import type { Channel } from "../channels/channel.ts";
import { fitsEverywhere, outlineOf, tellsEach } from "../notification/batch.ts";
import { LIMITED_BACKLOG, MAX_DIGEST_MEMBERS } from "./rate_policy.ts";
import type { Incident } from "../notification/incident.ts";
import { largest } from "../base/bisect.ts";
import { isNotification } from "../notification/notification.ts";
import { type Entry, laneKey } from "../queue/entry.ts";
import { mayBeGathered } from "../queue/ordered_entries.ts";
import { itemsOf } from "./attempt.ts";
import { isReady, type LaneContext, type LaneSource } from "./schedule.ts";
import { isCritical } from "./urgency.ts";

/** The lanes of a channel, looked at before it is served. */
export interface Crowd {
  /** What becomes a digest now, a group for each. */
  readonly groups: readonly (readonly Entry[])[];
  /** Whether a lane is crowded behind a head that goes by itself: then nothing more goes out of it before it is looked at again. */
  readonly isBehind: boolean;
}

/** What a crowd needs to know of the queue. */
export interface CrowdSource extends LaneSource {
  incidentOf(entry: Entry): Incident | undefined;
}

/** Looks for crowded lanes whose turn it is. */
export function crowdOf(queue: CrowdSource, channel: Channel, context: LaneContext): Crowd {
  const { holds } = context;
  const waiting = queue.live().filter((entry) => entry.channel === channel.name && holds.of(entry) === undefined);
  if (waiting.length < 2) return NOBODY;
  const groups: Entry[][] = [];
  let isBehind = false;
  for (const lane of Map.groupBy(waiting, laneKey).values()) {
    const [head] = lane;
    if (lane.filter(isOrdinary).length <= backlogOf(head, queue, context) || !isReady(head, queue, context)) continue;
    if (isOrdinary(head)) groups.push(...runsOf(lane).flatMap((run) => digestsOf(run, channel, queue)));
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
function digestsOf(run: readonly Entry[], channel: Channel, queue: CrowdSource): Entry[][] {
  const hasRoomFor = (entries: readonly Entry[]) => {
    const digest = outlineOf(itemsOf(entries, (entry) => queue.incidentOf(entry)));
    return channel.hasRoomFor?.(digest) ?? tellsEach(digest, fitsEverywhere);
  };
  const digests: Entry[][] = [];
  for (let rest = run; rest.length > 1;) {
    const most = Math.min(rest.length, MAX_DIGEST_MEMBERS);
    const count = largest(1, most, (count) => hasRoomFor(rest.slice(0, count)));
    if (count > 1) digests.push(rest.slice(0, count));
    rest = rest.slice(count);
  }
  return digests;
}
