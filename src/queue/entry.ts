/**
 * An entry: one notification for one destination in the queue, with its delivery history. An entry
 * is computed from its records in the journal (the queue file).
 *
 * @module
 */

import type { EntryFields, EntryHistory, Wait } from "./record.ts";
import { StoredJson } from "./stored_json.ts";

/**
 * The state of an entry. `queued`: not tried yet. `deferred`: tried, and will be retried. `held`:
 * paused until a person fixes the account. `dead`: rejected permanently, or expired.
 */
export type EntryState = "queued" | "deferred" | "held" | "dead";

/** An entry, or a batch (several entries for one destination that are sent in one message). */
export interface Entry extends EntryFields, EntryHistory {
  /** The length of the entry's line in the journal, in bytes. */
  readonly bytes: number;
  /** The entries of a batch, in the order of arrival. Absent if this is not a batch. */
  readonly members?: readonly Entry[];
  /** The style of a batch. `lines`: the message contains only one line for each entry. */
  readonly style?: "lines";
  /** Data about the file with the full texts. Only a batch of style `lines` has such a file. */
  readonly file?: unknown;
}

/** Returns the notification of an entry. Its fields are not checked. */
export function notificationOf({ notification }: Pick<Entry, "notification">): unknown {
  return notification instanceof StoredJson ? notification.value : notification;
}

/** One destination of one channel. The entries of a lane are delivered in the order of arrival. */
export type Lane = Pick<Entry, "channel" | "destination">;

/**
 * Marks an undecided entry: its destinations are unknown, because the configuration has a mistake.
 * The destination of an undecided entry is `?`, or `? ROOM` if the caller chose a room. An
 * undecided entry is never sent. When the mistake is fixed, entries with real destinations replace
 * the undecided entry.
 */
const UNDECIDED = "?";

/** Returns the destination of an undecided entry: its real destinations are not known yet. */
export function undecidedDestination(room?: string): string {
  return room === undefined ? UNDECIDED : `${UNDECIDED} ${room}`;
}

/** Returns true if an entry is undecided (its real destinations are unknown). */
export function isUndecided({ destination }: Pick<Lane, "destination">): boolean {
  return destination === UNDECIDED || destination.startsWith(`${UNDECIDED} `);
}

/**
 * Returns the room that the sender chose (`--room`). The entry is undecided: its real destinations
 * are not known yet. Returns undefined if the sender did not choose a room.
 */
export function roomOfUndecided({ destination }: Pick<Lane, "destination">): string | undefined {
  return destination.slice(UNDECIDED.length + 1) || undefined;
}

/** A key that a sender chose. A sender cannot use the key of another sender. */
export type SenderKey = Pick<Entry, "key" | "sender">;

/**
 * Returns a text that identifies a key among the keys of all senders. The text is unique, because a
 * key cannot contain a line break. Returns undefined if there is no key.
 */
export function identifyKey({ key, sender }: SenderKey): string | undefined {
  return key === undefined || sender === undefined ? key : `${key}\n${sender}`;
}

/** The number of failures of a channel, and the wait before the next attempt. */
export interface ChannelState {
  /** The number of consecutive failures. The length of the next wait depends on this number. */
  readonly failures: number;
  readonly wait?: Wait;
}

/** Replaces each batch (several entries in one message) with its members. */
export function expandBatches(entries: readonly Entry[]): Entry[] {
  return entries.flatMap((entry) => entry.members ?? [entry]);
}

/**
 * Returns true if an entry can be added to a batch. Returns false for dead letters, batches,
 * members of a rejected batch, entries whose message may already have arrived, and entries with
 * attachments.
 */
export function canBeBatched(
  { dead, inFlight, inDoubt, members, noBatch, files }: Pick<
    Entry,
    "dead" | "inFlight" | "inDoubt" | "members" | "noBatch" | "files"
  >,
): boolean {
  return dead === undefined && inFlight === undefined && inDoubt === undefined && members === undefined &&
    noBatch === undefined && files === undefined;
}

/**
 * Returns a function that checks if an entry is an attachment of one of the given entries. All
 * given entries must have the same channel and destination. An attachment is a separate entry that
 * has the same time as the entry with the text.
 */
export function isAttachmentOf(entries: readonly Entry[]): (entry: Entry) => boolean {
  const texts = new Set(entries.filter(({ attachmentIndex }) => attachmentIndex === undefined).map(({ time }) => time));
  return ({ attachmentIndex, time }) => attachmentIndex !== undefined && texts.has(time);
}

/**
 * Returns a text that identifies a lane (one destination of one channel). The text begins with the
 * length of the channel's name, because names can contain spaces. Without the length, `office` with
 * `Ops A` and `office Ops` with `A` would have the same text.
 */
export function laneKey({ channel, destination }: Lane): string {
  return `${channel.length} ${channel} ${destination}`;
}

/** Returns the directory with the attachment files of the entries. It may not exist yet. */
export function attachmentsDirectory(stateDir: string): string {
  return `${stateDir}/attachments`;
}
