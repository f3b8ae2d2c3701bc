/**
 * Selects the entries of batches. A batch is one message for several waiting entries of one lane
 * (one channel and destination). Only consecutive entries are batched, so the order of the entries
 * is kept. A batch must fit into one message. Critical entries, attachments, and entries that may
 * have been delivered already are never batched. `channels/batch_message.ts` renders a batch.
 *
 * ```text
 * a lane gets batches if more than this number of entries wait:
 *   1     after quiet hours, or after a configured rate limit
 *   3     while the server limits the rate (each message then waits for several seconds)
 *   over  after an outage (`batch.over` in the configuration, by default 10)
 * otherwise each entry is sent as a separate message
 * ```
 *
 * @module
 */

import type { Channel } from "../channels/channel.ts";
import { renderMessage } from "../channels/message.ts";
import { isNotification, type Notification } from "../notification/notification.ts";
import { canBeBatched, type Entry, notificationOf } from "../queue/entry.ts";
import type { Incident } from "../queue/incidents.ts";
import type { Wait } from "../queue/record.ts";
import { toBatchItems } from "./attempt.ts";
import { isCritical } from "./delays.ts";
import { MAX_BATCH_MEMBERS, OUTAGE_MS, RATE_LIMITED_BATCH_OVER } from "./rate_policy.ts";
import type { Schedule } from "./schedule.ts";

/** The new batches (messages for several entries) of a channel. */
export interface BatchPlan {
  /** The entries of each new batch. */
  readonly groups: readonly (readonly Entry[])[];
  /**
   * True if the first entry of a lane cannot be batched, but many entries wait behind this entry.
   * The first entry is then sent alone, and batches are planned again.
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
 *
 * @param style `lines`: a message has only one line for each entry. By default, a message has the
 * full texts.
 */
export async function planBatches(
  queue: BatchSource,
  channel: Channel,
  schedule: Schedule,
  style?: "lines",
): Promise<BatchPlan> {
  const groups: Entry[][] = [];
  let headGoesAlone = false;
  if (schedule.delays.policyOf(channel.name).batchOver === Infinity) return { groups, headGoesAlone };
  for (const entries of schedule.lanes(channel.name)) {
    if (entries.size < 2) continue;
    const lane = [...entries.values()].filter((entry) => schedule.delays.of(entry) === undefined);
    if (!isBacklog(lane, queue, schedule)) continue;
    if (!isBatchable(lane[0])) headGoesAlone = true;
    else for (const run of neighbours(lane)) groups.push(...await splitToFit(run, channel, queue, style));
  }
  return { groups, headGoesAlone };
}

/** Returns true if a lane gets batches: its first entry can be sent now, and many entries wait. */
function isBacklog(lane: readonly Entry[], queue: BatchSource, schedule: Schedule): boolean {
  if (lane.length < 2 || !schedule.isReady(lane[0])) return false;
  const limit = backlogLimit(lane, queue, schedule);
  return lane.length > limit && lane.filter(isBatchable).length > limit;
}

/** Returns the largest number of waiting entries that are still sent one by one, not as a batch. */
function backlogLimit(lane: readonly Entry[], queue: BatchSource, { delays, now }: Schedule): number {
  const [head] = lane;
  const { batchOver } = delays.policyOf(head.channel);
  if (delays.wasDelayed(head)) return 1;
  const { wait } = queue.channelState(head.channel);
  if (wait?.class === "rate-limited") return Math.min(RATE_LIMITED_BATCH_OVER, batchOver);
  const isAfterOutage = wait !== undefined || lane.some((entry) => entry.wait) || now - head.time > OUTAGE_MS;
  return isAfterOutage ? batchOver : Infinity;
}

function isBatchable(entry: Entry): boolean {
  if (!canBeBatched(entry)) return false;
  const notification = notificationOf(entry);
  return isNotification(notification) && !isCritical(notification);
}

/** Groups consecutive entries of a lane that can be batched. */
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
async function splitToFit(
  run: readonly Entry[],
  channel: Channel,
  queue: BatchSource,
  style: "lines" | undefined,
): Promise<Entry[][]> {
  const { countFitting } = await import("../channels/batch_message.ts");
  const render = (notification: Notification) => renderMessage(notification, () => {});
  const items = toBatchItems(run, (entry) => queue.findIncident(entry));
  const batches: Entry[][] = [];
  for (let start = 0; start < run.length - 1;) {
    const next = items.slice(start, start + MAX_BATCH_MEMBERS);
    const count = await countFitting(next, render, (batch, message) => channel.hasRoomFor(batch, message), style);
    if (count > 1) batches.push(run.slice(start, start + count));
    start += count;
  }
  return batches;
}
