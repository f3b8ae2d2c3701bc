/**
 * Expiry: entries that were not delivered in time become dead letters. For each channel and
 * destination with expired entries, a notice is queued. If an earlier notice is still queued, the
 * new notice replaces the earlier notice and lists the entries of both. An expired notice does not
 * cause another notice.
 *
 * @module
 */

import { hasJumpedAhead, isAgeKnown } from "../base/clock.ts";
import { formatDuration } from "../base/duration.ts";
import { createNotification, isNotification } from "../notification/notification.ts";
import type { EnqueueRequest, ExpiredEntry } from "../queue/change_records.ts";
import { type Entry, expandBatches, isAttachmentOf, laneKey, notificationOf } from "../queue/entry.ts";
import type { Queue } from "../queue/queue.ts";

/**
 * The key of notices about expired entries. A new notice replaces a notice that is still queued.
 */
export const EXPIRY_KEY = "matrix-notify/expired";

/** The largest number of subjects in a notice about expired entries. */
const MAX_LISTED = 10;

/**
 * Moves expired entries to the dead letters and enqueues one notice per lane (channel and
 * destination). All changes are made in one write.
 *
 * @param isFree returns false for an entry that is being delivered
 * @returns the expired entries
 * @throws {StorageError} if the write fails; the queue is then unchanged
 */
export async function moveExpired(
  queue: Queue,
  now: number,
  isFree: (entry: Entry) => boolean,
): Promise<ExpiredEntry[]> {
  if (hasJumpedAhead(now)) return [];
  const isExpired = ({ time, expires }: Entry) => expires <= now && isAgeKnown(time);
  const candidates = queue.state.eachLive().filter((entry) => (entry.members || isExpired(entry)) && isFree(entry));
  const expired = expandBatches([...candidates]).filter(isExpired).map((entry): ExpiredEntry => {
    const { wait } = queue.state.findBatch(entry.id) ?? entry;
    const lastFailure = wait ? `; last: ${wait.reason}` : "";
    return { entry, reason: `Expired after ${formatDuration(now - entry.time)}${lastFailure}` };
  });
  if (expired.length === 0) return [];
  const lanes = Map.groupBy(expired.map(({ entry }) => entry).filter(({ key }) => key !== EXPIRY_KEY), laneKey);
  await queue.expire(expired, [...lanes.values()].map((entries) => createNotice(queue, entries, now)));
  return expired;
}

/**
 * Creates the notice about the newly expired entries of a lane (one channel and destination). The
 * new notice also lists the entries of the notice that it replaces.
 */
function createNotice(queue: Queue, entries: readonly Entry[], now: number): EnqueueRequest {
  const [{ channel, destination }] = entries;
  const lane = laneKey(entries[0]);
  const inLane = queue.state.entries().filter((entry) => laneKey(entry) === lane);
  const earlierNotice = inLane.find(({ key, dead }) => key === EXPIRY_KEY && !dead);
  // A notice that may have arrived is not replaced, and its entries are not listed again.
  const since = earlierNotice === undefined || earlierNotice.inFlight || earlierNotice.inDoubt
    ? Infinity
    : earlierNotice.replaced?.since ?? earlierNotice.time;
  const reported = inLane.filter(({ dead, key }) => dead?.expired && dead.time >= since && key !== EXPIRY_KEY);
  const all = [...reported, ...entries];
  // Do not list an attachment if the message that it belongs to also expired.
  const isAttachment = isAttachmentOf(all);
  const subjects = all.filter((entry) => !isAttachment(entry)).map(formatSubject);
  const more = subjects.length > MAX_LISTED ? [`… and ${subjects.length - MAX_LISTED} more`] : [];
  const notification = createNotification({
    subject: subjects.length === 1 ? "A notification expired" : `${subjects.length} notifications expired`,
    message: [
      ...[...subjects.slice(0, MAX_LISTED), ...more].map((line) => `- ${line}`),
      "",
      subjects.length === 1
        ? "It was not delivered in time and is a dead letter now. To list it: matrix-notify queue list --dead"
        : "They were not delivered in time and are dead letters now. To list them: matrix-notify queue list --dead",
    ].join("\n"),
    severity: "warning",
    origin: "matrix-notify",
    key: EXPIRY_KEY,
  }, now);
  return { channel, destination, notification, expires: notification.expires, key: EXPIRY_KEY, replaces: true };
}

function formatSubject(entry: Entry): string {
  const notification = notificationOf(entry);
  return isNotification(notification) ? notification.subject : "(unreadable)";
}
