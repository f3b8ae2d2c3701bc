/**
 * An entry: an envelope in the queue, with its history. It follows from its records alone.
 *
 * @module
 */

import type { EntryFields, EntryHistory, Wait } from "./record.ts";

/**
 * The state of an entry. `queued`: not tried yet. `deferred`: tried, and will be retried. `held`:
 * paused until its account is fixed. `dead`: a dead letter.
 */
export type EntryState = "queued" | "deferred" | "held" | "dead";

/** An entry, or a batch that stands for several entries of its lane. */
export interface Entry extends EntryFields, EntryHistory {
  /** Bytes of its line in the journal. */
  readonly bytes: number;
  /** The members of a batch, in the order of arrival. A batch has no notification of its own. */
  readonly members?: readonly Entry[];
}

/** One destination of one channel: its entries are delivered first in, first out. */
export type Lane = Pick<Entry, "channel" | "destination">;

/** What a channel as a whole waits for. */
export interface ChannelState {
  /** Failures in a row, for the backoff. */
  readonly failures: number;
  readonly wait?: Wait;
}

/** Replaces each batch by its members. */
export function expandBatches(entries: readonly Entry[]): Entry[] {
  return entries.flatMap((entry) => entry.members ?? [entry]);
}

/**
 * Whether an entry can still become part of a batch: no attempt can have delivered it, and it has
 * no attachments, which a batch does not carry.
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
 * Returns a function that finds the attachments of these entries, which are of one lane. An
 * attachment and its text were enqueued together, at the same time.
 */
export function isAttachmentOf(entries: readonly Entry[]): (entry: Entry) => boolean {
  const texts = new Set(entries.filter(({ attachmentIndex }) => attachmentIndex === undefined).map(({ time }) => time));
  return ({ attachmentIndex, time }) => attachmentIndex !== undefined && texts.has(time);
}

/**
 * Returns the map key of a lane. Names of channels and destinations may contain blanks, so that
 * joining the two with a blank would give different lanes the same key: `office` to `Ops A`, and
 * `office Ops` to `A`.
 */
export function laneKey({ channel, destination }: Lane): string {
  return JSON.stringify([channel, destination]);
}
