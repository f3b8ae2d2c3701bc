/**
 * One attempt to deliver an entry (a queued notification for one destination) through its channel.
 * Only this file catches the errors that a channel throws.
 *
 * ```text
 * entry -> envelope (final subject, symbols, supported attachments) -> channel.send
 *   receipt -> the entry is delivered
 *   error   -> classify.ts: failure class -> retry.ts: time of the next attempt, or a dead letter
 * ```
 *
 * @module
 */

import { formatDuration } from "../base/duration.ts";
import { InvalidNotificationError, NotSentError, TransportError } from "../base/errors.ts";
import { printable } from "../base/printable.ts";
import { hideSecrets } from "../base/secret.ts";
import type { Channel, Envelope } from "../channels/channel.ts";
import type { FileReader } from "../channels/kind.ts";
import { type Batch, type BatchItem, createBatch } from "../notification/batch.ts";
import { withResolution } from "../notification/incident.ts";
import { isAttachment, isNotification, MAX_QUEUED_BYTES, type Notification } from "../notification/notification.ts";
import { withShortcodes } from "../notification/shortcodes.ts";
import type { AttemptResult } from "../queue/change_records.ts";
import { type Entry, notificationOf } from "../queue/entry.ts";
import type { Incident } from "../queue/incidents.ts";
import { eitherSignal } from "../runtime/abort.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { classify } from "./classify.ts";
import { EXPIRY_KEY } from "./expiry.ts";
import { planRetry, type RetryContext } from "./retry.ts";

/**
 * An entry is late if an attempt has failed, or if it waited in the queue for longer than this
 * time. The message of a late entry also shows when the notification was created.
 */
const LATE_AFTER_MS = 60_000;

/**
 * Finds the open incident (notifications with the same key) that an entry belongs to. Each channel
 * and destination has its own incidents.
 */
export type FindIncident = (entry: Entry) => Incident | undefined;

/** The options of {@linkcode attempt}. */
export interface AttemptOptions extends Omit<RetryContext, "now" | "attempts"> {
  /**
   * Returns the current time, in milliseconds since 1970. The function is called again after the
   * response, because the wait in a Retry-After header starts at the response.
   */
  readonly now: () => number;
  /** Finds the incident of an entry. @default finds no incident */
  readonly findIncident?: FindIncident;
  /**
   * True if shortcodes such as `:warning-sign:` in subjects are replaced by symbols. Subjects in
   * the queue still contain the shortcodes.
   * @default {false}
   */
  readonly shortcodes?: boolean;
  /**
   * Reads messages that are stored as files.
   * @default sends only the excerpt that is in the queue
   */
  readonly files?: FullTextReader;
  /** Creates the signal that ends the attempt. */
  readonly timeout: Runtime["timeout"];
  /** The time limit of each request, in milliseconds. */
  readonly timeoutMs: number;
  /**
   * The time limit of the whole attempt, in milliseconds. An attempt can need many requests, and a
   * server could answer each of them slowly. For an attempt with attachments, the limit is longer.
   */
  readonly totalMs: number;
  readonly signal?: AbortSignal;
}

/** Reads messages that are stored as files because they are too long for the queue. */
export type FullTextReader = Pick<FileReader, "read">;

/**
 * Makes one attempt to deliver an entry.
 *
 * @throws the reason of the abort signal, if the signal stopped the attempt. The message may have
 * arrived.
 */
export async function attempt(entry: Entry, channel: Channel, options: AttemptOptions): Promise<AttemptResult> {
  const { now, findIncident = () => undefined, shortcodes = false, files, timeoutMs, signal } = options;
  let limit: AttemptLimit | undefined;
  try {
    const notification = await withFullText(toNotification(entry, findIncident), files);
    const envelope: Envelope = {
      channel: entry.channel,
      destination: entry.destination,
      notification: await forChannel(channel, shortcodes ? withShortcodes(notification) : notification),
    };
    limit = await limitAttempt(envelope.notification, channel, options);
    const receipt = await channel.send(envelope, {
      txnId: entry.id,
      inDoubt: entry.inDoubt,
      incident: findIncident(entry),
      replaced: entry.key === EXPIRY_KEY ? undefined : entry.replaced,
      // A batch (several entries in one message) shows the time of each notification anyway.
      late: entry.members === undefined && (entry.attempts > 1 || now() - entry.time > LATE_AFTER_MS),
      timeoutMs,
      signal: limit === undefined ? signal : eitherSignal(signal, limit.signal),
    });
    const { id, via = "put", possibleDuplicate } = receipt;
    return {
      state: "delivered",
      receipt: printable(hideSecrets(id)),
      via,
      ...(possibleDuplicate ? { possibleDuplicate: true } : {}),
    };
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    return planRetry(classify(explainLimit(error, limit)), { ...options, attempts: entry.attempts, now: now() });
  }
}

/** The time limit of a whole attempt. */
interface AttemptLimit {
  /** Aborts when the time is over. */
  readonly signal: AbortSignal;
  readonly ms: number;
}

/**
 * Creates the time limit of an attempt. Returns undefined for a channel that runs a program,
 * because the setting `timeout` of the channel limits the program.
 */
async function limitAttempt(
  { attachments = [], file }: Notification,
  { runsSubprocesses }: Channel,
  { timeout, totalMs }: AttemptOptions,
): Promise<AttemptLimit | undefined> {
  if (runsSubprocesses) return undefined;
  const sent = [...attachments, ...file ? [file] : []];
  const ms = sent.length === 0
    ? totalMs
    : (await import("../notification/attachment_mode.ts")).timeoutWithAttachments(totalMs, sent);
  return { signal: timeout(ms), ms };
}

/** Replaces the error of the time limit by an error that names the limit. */
function explainLimit(error: unknown, limit: AttemptLimit | undefined): unknown {
  if (!limit?.signal.aborted) return error;
  if (error instanceof NotSentError) {
    const cause = explainLimit(error.cause, limit);
    return cause === error.cause ? error : new NotSentError(cause);
  }
  if (error !== limit.signal.reason) return error;
  const text = `Cannot finish the attempt within ${formatDuration(limit.ms)}: the server answers too slowly`;
  return new TransportError("timeout", text);
}

/** Creates the notification of a batch (one message for several entries). */
export function toBatch(
  { members = [], style, file }: Pick<Entry, "members" | "style" | "file">,
  findIncident: FindIncident,
): Batch {
  const attachments = isAttachment(file) ? [file] : undefined;
  return createBatch(toBatchItems(members, findIncident), { style, attachments });
}

/**
 * Converts entries to the items of a batch. Skips entries without a valid notification, because
 * such entries are never batched.
 */
export function toBatchItems(entries: readonly Entry[], findIncident: FindIncident): BatchItem[] {
  return entries.flatMap((entry) => {
    const { id, replaced, key } = entry;
    const notification = notificationOf(entry);
    if (!isNotification(notification)) return [];
    return [{
      id,
      notification: withResolution(notification, incidentDuration(entry, findIncident(entry))),
      replaced: key === EXPIRY_KEY ? undefined : replaced,
    }];
  });
}

/**
 * Returns the notification of an entry.
 *
 * @throws {InvalidNotificationError} if the entry has no valid notification
 */
function toNotification(entry: Entry, findIncident: FindIncident): Notification {
  if (entry.members) return toBatch(entry, findIncident);
  const notification = notificationOf(entry);
  if (!isNotification(notification)) {
    throw new InvalidNotificationError("Cannot read the notification: a field is missing or has the wrong type");
  }
  return withResolution(notification, incidentDuration(entry, findIncident(entry)));
}

/**
 * Adapts the attachments of a notification to what the channel can send. Loads `attachment_mode.ts`
 * only if the notification has files.
 */
async function forChannel({ attachmentMode }: Channel, notification: Notification): Promise<Notification> {
  const { attachments, file, fullText } = notification;
  if ((attachments ?? file ?? fullText) === undefined) return notification;
  const { fitAttachments, fitFullText } = await import("../notification/attachment_mode.ts");
  return fitFullText(fitAttachments(notification, attachmentMode), attachmentMode);
}

/**
 * Returns a notification with its whole message. If the message is stored as a file and the file is
 * missing, the notification keeps its excerpt.
 *
 * @throws {NotSentError} if the file exists, but cannot be read at the moment
 */
export async function withFullText(notification: Notification, files?: FullTextReader): Promise<Notification> {
  const { fullText } = notification;
  if (files === undefined || fullText === undefined || fullText.size <= MAX_QUEUED_BYTES) return notification;
  try {
    return { ...notification, message: new TextDecoder().decode(await files.read(fullText)) };
  } catch (error) {
    if (error instanceof InvalidNotificationError) return notification;
    throw error;
  }
}

/**
 * Returns how long an incident lasted until an entry was queued, in milliseconds. The incident
 * starts with its first notification, even if that notification was not delivered.
 */
function incidentDuration({ time, replaced }: Entry, incident: Incident | undefined): number | undefined {
  const since = Math.min(incident?.since ?? Infinity, replaced?.fired ?? Infinity);
  return since === Infinity ? undefined : Math.max(0, time - since);
}
