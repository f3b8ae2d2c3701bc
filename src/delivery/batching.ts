/**
 * Which entries become a batch: a backlog of one lane. Only neighbours are batched, so that no
 * entry is overtaken, and only as many as one message has room for. Critical entries, attachments,
 * and entries that may have arrived are never batched. `notification/batch.ts` renders a batch.
 *
 * @module
 */

import { bisectLargest } from "../base/bisect.ts";
import type { Channel } from "../channels/channel.ts";
import { batchOutline, fitsEverywhere, hasLineForEach } from "../notification/batch.ts";
import { isNotification } from "../notification/notification.ts";
import { canBeBatched, type Entry, laneKey } from "../queue/entry.ts";
import type { Incident } from "../queue/incidents.ts";
import type { Wait } from "../queue/record.ts";
import { toBatchItems } from "./attempt.ts";
import { isCritical } from "./delays.ts";
import { MAX_BATCH_MEMBERS, RATE_LIMITED_BATCH_OVER } from "./rate_policy.ts";
import type { Schedule } from "./schedule.ts";

/** The batches that a channel needs now. */
export interface BatchPlan {
  /** The entries of each new batch. */
  readonly groups: readonly (readonly Entry[])[];
  /**
   * True if a backlog follows a head that cannot be batched: then only the head leaves before the
   * next plan.
   */
  readonly headGoesAlone: boolean;
}

/** The parts of the queue that batches are planned from. */
export interface BatchSource {
  channelState(name: string): { readonly wait?: Wait };
  findIncident(entry: Entry): Incident | undefined;
}

/** Plans batches for the lanes of a channel that have a backlog and whose head may leave now. */
export function planBatches(queue: BatchSource, channel: Channel, schedule: Schedule): BatchPlan {
  const waiting = schedule.undelayed(channel.name);
  if (waiting.length < 2) return NO_BATCHES;
  const groups: Entry[][] = [];
  let headGoesAlone = false;
  for (const lane of Map.groupBy(waiting, laneKey).values()) {
    const [head] = lane;
    const limit = backlogLimit(head, queue, schedule);
    if (lane.filter(isBatchable).length <= limit || !schedule.isReady(head)) continue;
    if (isBatchable(head)) groups.push(...neighbours(lane).flatMap((run) => splitToFit(run, channel, queue)));
    else headGoesAlone = true;
  }
  return { groups, headGoesAlone };
}

const NO_BATCHES: BatchPlan = { groups: [], headGoesAlone: false };

/**
 * How many entries of a lane may wait before they become a batch. Under a server's rate limit it is
 * few, since each message costs seconds. After a delay it is one: the user wants one message for
 * all that was delayed.
 */
function backlogLimit(head: Entry, queue: BatchSource, { delays }: Schedule): number {
  const { batchOver } = delays.policyOf(head.channel);
  if (batchOver === Infinity) return Infinity;
  if (delays.wasDelayed(head)) return 1;
  return queue.channelState(head.channel).wait?.class === "rate-limited"
    ? Math.min(RATE_LIMITED_BATCH_OVER, batchOver)
    : batchOver;
}

function isBatchable(entry: Entry): boolean {
  return canBeBatched(entry) && isNotification(entry.notification) && !isCritical(entry.notification);
}

/** Groups the batchable entries of a lane that follow each other directly. */
function neighbours(lane: readonly Entry[]): Entry[][] {
  const runs: Entry[][] = [[]];
  for (const entry of lane) {
    if (isBatchable(entry)) runs[runs.length - 1].push(entry);
    else runs.push([]);
  }
  return runs;
}

/**
 * Splits entries into batches that fit into a message of the channel. An entry that remains alone
 * stays itself.
 */
function splitToFit(run: readonly Entry[], channel: Channel, queue: BatchSource): Entry[][] {
  const hasRoomFor = (entries: readonly Entry[]) => {
    const batch = batchOutline(toBatchItems(entries, (entry) => queue.findIncident(entry)));
    return channel.hasRoomFor?.(batch) ?? hasLineForEach(batch, fitsEverywhere);
  };
  const batches: Entry[][] = [];
  for (let rest = run; rest.length > 1;) {
    const most = Math.min(rest.length, MAX_BATCH_MEMBERS);
    const count = bisectLargest(1, most, (count) => hasRoomFor(rest.slice(0, count)));
    if (count > 1) batches.push(rest.slice(0, count));
    rest = rest.slice(count);
  }
  return batches;
}
