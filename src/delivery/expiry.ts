/**
 * Expiry: what could not be delivered in time goes to the dead letters, and its lane is told so by one notification, however many they become while
 * nobody can be told. Nothing is ever told of such a notification itself.
 *
 * @module
 */

import { formatDuration } from "../base/duration.ts";
import { createNotification, isNotification } from "../notification/notification.ts";
import { type Entry, expandBatches, isAttachmentOf, laneKey } from "../queue/entry.ts";
import type { ExpiredEntry, Queue } from "../queue/queue.ts";
import type { EnqueueRequest } from "../queue/enqueue.ts";
import { hasJumpedAhead, isAgeKnown } from "./clock.ts";

/** The key of what tells of expiry: a newer one takes the place of one that still waits. */
export const EXPIRY_KEY = "matrix-notify/expired";

/** How many subjects are named. */
const MAX_NAMED = 10;

/**
 * Buries what expired.
 *
 * @param isFree whether an entry is not under way
 * @returns what was buried
 * @throws {StorageError} when the disk does not take it; then nothing was buried
 */
export async function moveExpired(
  queue: Queue,
  now: number,
  isFree: (entry: Entry) => boolean,
): Promise<ExpiredEntry[]> {
  if (hasJumpedAhead(now)) return [];
  const isExpired = ({ time, expires }: Entry) => expires <= now && isAgeKnown(time);
  const free = expandBatches(queue.state.liveEntries().filter(isFree));
  const expired = free.filter(isExpired).map((entry): ExpiredEntry => {
    const { wait } = queue.state.findBatch(entry.id) ?? entry;
    const why = wait ? `; last: ${wait.reason}` : "";
    return { entry, reason: `Expired after ${formatDuration(now - entry.time)}${why}` };
  });
  if (expired.length === 0) return [];
  const lanes = Map.groupBy(expired.map(({ entry }) => entry).filter(({ key }) => key !== EXPIRY_KEY), laneKey);
  await queue.expire(expired, [...lanes.values()].map((entries) => newsOf(queue, entries, now)));
  return expired;
}

/** One notification for all that a lane lost since the last one that was delivered. */
function newsOf(queue: Queue, entries: readonly Entry[], now: number): EnqueueRequest {
  const [{ channel, destination }] = entries;
  const lane = laneKey(entries[0]);
  const inLane = queue.state.entries().filter((entry) => laneKey(entry) === lane);
  const waiting = inLane.find(({ key, dead }) => key === EXPIRY_KEY && !dead);
  // One that may have arrived is not replaced, and tells what it tells.
  const since = waiting === undefined || waiting.inFlight || waiting.inDoubt
    ? Infinity
    : waiting.replaced?.since ?? waiting.time;
  const before = inLane.filter(({ dead, key }) => dead?.expired && dead.time >= since && key !== EXPIRY_KEY);
  const both = [...before, ...entries];
  // A file that expired with its text is no notification of its own.
  const hasText = isAttachmentOf(both);
  const all = both.filter((entry) => !hasText(entry));
  const named = all.slice(0, MAX_NAMED).map(subjectOf);
  const rest = all.length > MAX_NAMED ? [`… and ${all.length - MAX_NAMED} more`] : [];
  const notification = createNotification({
    subject: all.length === 1 ? "A notification expired" : `${all.length} notifications expired`,
    message: [
      ...[...named, ...rest].map((line) => `- ${line}`),
      "",
      "They could not be delivered in time, and lie with the dead letters: matrix-notify queue list --dead",
    ].join("\n"),
    severity: "warning",
    origin: "matrix-notify",
    key: EXPIRY_KEY,
  }, now);
  return { channel, destination, notification, expires: notification.expires, key: EXPIRY_KEY, replaces: true };
}

function subjectOf({ notification }: Entry): string {
  return isNotification(notification) ? notification.subject : "(unreadable)";
}
