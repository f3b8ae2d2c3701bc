/** One try of one entry through its channel, and what it means. Here a failure of the send path is caught and understood. */

import type { Channel, Envelope } from "../channels/channel.ts";
import type { Entry } from "../queue/entry.ts";
import type { AttemptResult } from "../queue/queue_types.ts";
import { InvalidNotificationError } from "../base/errors.ts";
import { type Batch, type BatchItem, createBatch } from "../notification/batch.ts";
import { type Incident, withResolution } from "../notification/incident.ts";
import { isNotification, type Notification } from "../notification/notification.ts";
import { withShortcodes } from "../notification/shortcodes.ts";
import { EXPIRY_KEY } from "./expiry.ts";
import { classify, type Failure } from "./classify.ts";
import { planRetry, type RetryContext } from "./retry.ts";

/** Whoever waited longer says since when. */
const LATE_AFTER_MS = 60_000;

/** Tells what the lane of an entry was told under its key, and not yet that it is over. */
export type IncidentOf = (entry: Entry) => Incident | undefined;

/** How to try. */
export interface AttemptOptions extends Omit<RetryContext, "now" | "attempts"> {
  /** The clock: an answer may take a minute, and what it says counts from then. */
  readonly now: () => number;
  /** What the lane of an entry was told under its key. @default nothing that is known */
  readonly incidentOf?: IncidentOf;
  /** `true`: shortcodes in subjects become symbols. The queue keeps them as they were written. @default {false} */
  readonly shortcodes?: boolean;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/**
 * Tries an entry once.
 *
 * @throws the reason of the signal, when that ended it: then nobody knows what became of the try
 */
export async function attempt(
  entry: Entry,
  channel: Channel,
  options: AttemptOptions,
): Promise<AttemptResult> {
  const { now, incidentOf = () => undefined, shortcodes = false, timeoutMs, signal } = options;
  const fail = (failure: Failure) => planRetry(failure, { ...options, attempts: entry.attempts, now: now() });
  try {
    const envelope = envelopeOf(entry, { incidentOf, shortcodes });
    const receipt = await channel.send(await carriedBy(channel, envelope), {
      txnId: entry.id,
      inDoubt: entry.inDoubt,
      incident: incidentOf(entry),
      replaced: entry.key === EXPIRY_KEY ? undefined : entry.replaced,
      late: entry.attempts > 1 || now() - entry.time > LATE_AFTER_MS,
      timeoutMs,
      signal,
    });
    const { id, via = "put", possibleDuplicate } = receipt;
    return { state: "delivered", receipt: id, via, ...(possibleDuplicate ? { possibleDuplicate: true } : {}) };
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    return fail(classify(error));
  }
}

/** The envelope as its channel can carry it. Whoever sends no files loads nothing for them. */
async function carriedBy({ attachmentMode }: Channel, envelope: Envelope): Promise<Envelope> {
  const { notification } = envelope;
  if (notification.attachments === undefined && notification.file === undefined) return envelope;
  const { withAttachmentMode } = await import("../notification/attachment_mode.ts");
  return { ...envelope, notification: withAttachmentMode(notification, attachmentMode) };
}

/** @throws {InvalidNotificationError} when what the queue holds is no notification */
function envelopeOf(
  entry: Entry,
  { incidentOf, shortcodes }: Required<Pick<AttemptOptions, "incidentOf" | "shortcodes">>,
): Envelope {
  const { channel, destination } = entry;
  const said = saidBy(entry, incidentOf);
  return { channel, destination, notification: shortcodes ? withShortcodes(said) : said };
}

function saidBy(entry: Entry, incidentOf: IncidentOf): Notification {
  const { notification, members } = entry;
  if (members) return notificationOfBatch(members, incidentOf);
  if (!isNotification(notification)) {
    throw new InvalidNotificationError("Cannot read the notification: something in it is missing or of the wrong kind");
  }
  return withResolution(notification, lastedMs(entry, incidentOf(entry)));
}

/** What a digest says: what its members say. */
export function notificationOfBatch(members: readonly Entry[], incidentOf: IncidentOf): Batch {
  return createBatch(itemsOf(members, incidentOf));
}

/** What entries say, as far as they can be read. Nothing is gathered that cannot. */
export function itemsOf(entries: readonly Entry[], incidentOf: IncidentOf): BatchItem[] {
  return entries.flatMap((entry) => {
    const { notification, replaced, key } = entry;
    if (!isNotification(notification)) return [];
    const said = withResolution(notification, lastedMs(entry, incidentOf(entry)));
    return [{ notification: said, replaced: key === EXPIRY_KEY ? undefined : replaced }];
  });
}

/** How long what an entry is about has lasted when it was said; what fired and was never delivered counts too. */
function lastedMs({ time, replaced }: Entry, incident: Incident | undefined): number | undefined {
  const since = Math.min(incident?.since ?? Infinity, replaced?.fired ?? Infinity);
  return since === Infinity ? undefined : Math.max(0, time - since);
}
