/**
 * Selects the entries of batches. A batch is one message with several waiting entries of one lane
 * (one channel and destination). Only consecutive entries are batched, so their order is kept. A
 * batch must fit into one message. Critical entries, attachments, and entries that may have been
 * delivered already are never batched. `notification/batch.ts` renders a batch.
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

/** The new batches (messages for several entries) of a channel. */
export interface BatchPlan {
  /** The entries of each new batch. */
  readonly groups: readonly (readonly Entry[])[];
  /**
   * True if the head (the first entry) of a lane (one channel and destination) cannot be batched,
   * but many waiting entries follow the head. The head is sent alone. Then batches are planned
   * again.
   */
  readonly headGoesAlone: boolean;
}

/** The parts of the queue that {@linkcode planBatches} reads. */
export interface BatchSource {
  channelState(name: string): { readonly wait?: Wait };
  findIncident(entry: Entry): Incident | undefined;
}

/**
 * Plans batches for the lanes of a channel (one lane per destination). A lane gets batches if many
 * entries wait in the lane and the first entry can be sent now.
 */
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
 * Returns the largest number of waiting entries that do not become a batch. During a rate limit of
 * the server the number is small, because each message must wait for several seconds. After a delay
 * the number is 1, because the user wants one message for all delayed entries.
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

/** Groups consecutive entries of a lane (one channel and destination) that can be batched. */
function neighbours(lane: readonly Entry[]): Entry[][] {
  const runs: Entry[][] = [[]];
  for (const entry of lane) {
    if (isBatchable(entry)) runs[runs.length - 1].push(entry);
    else runs.push([]);
  }
  return runs;
}

/**
 * Splits entries into batches that each fit into one message of the channel. A single entry does
 * not become a batch.
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
