/**
 * One attempt: an entry is sent once through its channel. This is the only place that catches what
 * a channel throws.
 *
 * ```text
 * entry -> envelope (resolved subject, shortcodes, fitting attachments) -> channel.send
 *   receipt -> delivered
 *   thrown  -> classify.ts: what the failure means -> retry.ts: when to try again, or a dead letter
 * ```
 *
 * @module
 */

import { InvalidNotificationError } from "../base/errors.ts";
import type { Channel, Envelope } from "../channels/channel.ts";
import { type Batch, type BatchItem, createBatch } from "../notification/batch.ts";
import { withResolution } from "../notification/incident.ts";
import { isNotification, type Notification } from "../notification/notification.ts";
import { withShortcodes } from "../notification/shortcodes.ts";
import type { Entry } from "../queue/entry.ts";
import type { AttemptResult } from "../queue/entry_transitions.ts";
import type { Incident } from "../queue/incidents.ts";
import { classify } from "./classify.ts";
import { EXPIRY_KEY } from "./expiry.ts";
import { planRetry, type RetryContext } from "./retry.ts";

/** A notification that waited longer says since when. */
const LATE_AFTER_MS = 60_000;

/** Finds the open incident for the key of an entry, in its lane. */
export type FindIncident = (entry: Entry) => Incident | undefined;

/** How to make an attempt. */
export interface AttemptOptions extends Omit<RetryContext, "now" | "attempts"> {
  /**
   * The clock. A response may take a minute, and a wait that it asks for starts when it arrives.
   */
  readonly now: () => number;
  /** @default finds none */
  readonly findIncident?: FindIncident;
  /**
   * `true`: shortcodes in subjects become symbols. The queue keeps them as they were written.
   * @default {false}
   */
  readonly shortcodes?: boolean;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/**
 * Tries to deliver an entry once.
 *
 * @throws the reason of the signal, if it ended the attempt: then the outcome is unknown
 */
export async function attempt(entry: Entry, channel: Channel, options: AttemptOptions): Promise<AttemptResult> {
  const { now, findIncident = () => undefined, shortcodes = false, timeoutMs, signal } = options;
  try {
    const notification = toNotification(entry, findIncident);
    const envelope: Envelope = {
      channel: entry.channel,
      destination: entry.destination,
      notification: await forChannel(channel, shortcodes ? withShortcodes(notification) : notification),
    };
    const receipt = await channel.send(envelope, {
      txnId: entry.id,
      inDoubt: entry.inDoubt,
      incident: findIncident(entry),
      replaced: entry.key === EXPIRY_KEY ? undefined : entry.replaced,
      late: entry.attempts > 1 || now() - entry.time > LATE_AFTER_MS,
      timeoutMs,
      signal,
    });
    const { id, via = "put", possibleDuplicate } = receipt;
    return { state: "delivered", receipt: id, via, ...(possibleDuplicate ? { possibleDuplicate: true } : {}) };
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    return planRetry(classify(error), { ...options, attempts: entry.attempts, now: now() });
  }
}

/** The batch that stands for these entries. */
export function toBatch(members: readonly Entry[], findIncident: FindIncident): Batch {
  return createBatch(toBatchItems(members, findIncident));
}

/**
 * The items of a batch. Entries without a valid notification are left out; such entries are never
 * batched.
 */
export function toBatchItems(entries: readonly Entry[], findIncident: FindIncident): BatchItem[] {
  return entries.flatMap((entry) => {
    const { notification, replaced, key } = entry;
    if (!isNotification(notification)) return [];
    return [{
      notification: withResolution(notification, incidentDuration(entry, findIncident(entry))),
      replaced: key === EXPIRY_KEY ? undefined : replaced,
    }];
  });
}

/** @throws {InvalidNotificationError} if the queue contains something else than a notification */
function toNotification(entry: Entry, findIncident: FindIncident): Notification {
  const { notification, members } = entry;
  if (members) return toBatch(members, findIncident);
  if (!isNotification(notification)) {
    throw new InvalidNotificationError("Cannot read the notification: something in it is missing or of the wrong kind");
  }
  return withResolution(notification, incidentDuration(entry, findIncident(entry)));
}

/**
 * Leaves out or moves attachments that a channel cannot take. The code is only loaded for
 * notifications with files.
 */
async function forChannel({ attachmentMode }: Channel, notification: Notification): Promise<Notification> {
  if (notification.attachments === undefined && notification.file === undefined) return notification;
  const { fitAttachments } = await import("../notification/attachment_mode.ts");
  return fitAttachments(notification, attachmentMode);
}

/**
 * How long the incident of an entry had lasted when the entry was queued, milliseconds. Undelivered
 * notifications count.
 */
function incidentDuration({ time, replaced }: Entry, incident: Incident | undefined): number | undefined {
  const since = Math.min(incident?.since ?? Infinity, replaced?.fired ?? Infinity);
  return since === Infinity ? undefined : Math.max(0, time - since);
}
