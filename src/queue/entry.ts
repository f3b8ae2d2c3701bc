/**
 * An entry: an envelope (a notification for one destination) in the queue, with its history. An
 * entry is computed from its records in the journal.
 *
 * @module
 */

import type { EntryFields, EntryHistory, Wait } from "./record.ts";

/**
 * The state of an entry. `queued`: not tried yet. `deferred`: tried, and will be retried. `held`:
 * paused until a person fixes the account. `dead`: a dead letter.
 */
export type EntryState = "queued" | "deferred" | "held" | "dead";

/** An entry, or a batch (several entries of one lane that are sent in one message). */
export interface Entry extends EntryFields, EntryHistory {
  /** The length of the line of the entry in the journal, in bytes. */
  readonly bytes: number;
  /** If this is a batch: its entries, in the order of arrival. A batch has no notification. */
  readonly members?: readonly Entry[];
  /** Set if this is a batch whose message has only a line for each entry. */
  readonly style?: "lines";
  /** If this is a batch: the file with the full texts, if it is in the message. */
  readonly file?: unknown;
}

/** One destination of one channel. The entries of a lane are delivered in the order of arrival. */
export type Lane = Pick<Entry, "channel" | "destination">;

/**
 * The beginning of the destination of an entry whose destinations are not decided yet, because the
 * configuration has a mistake. If the caller chose a room, the room follows. Such an entry is never
 * sent. When the mistake is fixed, entries with decided destinations replace it.
 */
const UNDECIDED = "?";

/** Returns the destination of an undecided entry. */
export function undecidedDestination(room?: string): string {
  return room === undefined ? UNDECIDED : `${UNDECIDED} ${room}`;
}

/** Returns true if the destinations of an entry are not decided yet. */
export function isUndecided({ destination }: Pick<Lane, "destination">): boolean {
  return destination === UNDECIDED || destination.startsWith(`${UNDECIDED} `);
}

/** Returns the room that the caller chose for an undecided entry. */
export function roomOfUndecided({ destination }: Pick<Lane, "destination">): string | undefined {
  return destination.slice(UNDECIDED.length + 1) || undefined;
}

/** The failures and the wait of a channel. */
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
 * Returns true if an entry can be added to a batch (several entries in one message). Dead letters,
 * batches, members of a rejected batch, entries that may have arrived, and entries with attachments
 * cannot be batched.
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
 * Returns a function that checks if an entry is an attachment of one of the given entries. All of
 * the given entries must be in one lane (one destination of one channel). An attachment and the
 * entry with its text have the same time.
 */
export function isAttachmentOf(entries: readonly Entry[]): (entry: Entry) => boolean {
  const texts = new Set(entries.filter(({ attachmentIndex }) => attachmentIndex === undefined).map(({ time }) => time));
  return ({ attachmentIndex, time }) => attachmentIndex !== undefined && texts.has(time);
}

/**
 * Returns the map key of a lane (one destination of one channel). The map key is JSON because names
 * can contain spaces. For example, the channel `office` with the destination `Ops A` must not have
 * the map key of the channel `office Ops` with the destination `A`.
 */
export function laneKey({ channel, destination }: Lane): string {
  return JSON.stringify([channel, destination]);
}
