/** What every channel kind is to the rest: a type. */

import type { Batch } from "../notification/batch.ts";
import type { Notification } from "../notification/notification.ts";
import type { AttachmentMode } from "../notification/attachment_mode.ts";
import type { Incident } from "../queue/incidents.ts";
import type { InDoubt, Replaced } from "../queue/record.ts";

/** One notification for one destination. */
export interface Envelope {
  /** The channel's name. */
  readonly channel: string;
  /** Where the channel delivers: a room, a topic, a chat. */
  readonly destination: string;
  /** What was said. */
  readonly notification: Notification;
  /** Which of its files it is, from 1, where a channel takes each by itself; undefined for the text that goes before them. */
  readonly attachmentIndex?: number;
}

/** Proof of delivery. */
export interface Receipt {
  /** The service's own name for what it took: `event_id` for Matrix. */
  readonly id: string;
  /** Whether an earlier try had delivered it, as was found when the service was read back. @default {"put"} */
  readonly via?: "put" | "read-back";
  /** Whether an earlier try may have delivered it too, and nobody can tell. @default {false} */
  readonly possibleDuplicate?: boolean;
}

/** How to send. */
export interface SendOptions {
  /** The same on every try of the same envelope. */
  readonly txnId: string;
  /** Whether it arrives later than its reader would think, so that it must say since when it waited. */
  readonly late: boolean;
  /** Present when it took the place of earlier ones that were waiting: then it must say so. */
  readonly replaced?: Replaced;
  /** Present when the destination was told of its key before, and not yet that it is over; the same on every try. */
  readonly incident?: Incident;
  /** Present when an earlier try may have arrived: then it must not be made twice. */
  readonly inDoubt?: InDoubt;
  /** How long to wait for an answer, milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** A configured method. */
export interface Channel {
  readonly name: string;
  /** The name of its kind: `matrix`, `ntfy`. */
  readonly kind: string;
  /** Whether a repeated try makes no second copy, by its txnId or because the service can be read back. */
  readonly isIdempotent: boolean;
  /** Whether sending starts programs, for which a deliverer in the background needs a permission. @default {false} */
  readonly runsSubprocesses?: boolean;
  /** Whether files go each by itself behind their text, or along with it; undefined for a service that takes none. */
  readonly attachmentMode?: AttachmentMode;
  /** Where it delivers when nobody says otherwise. */
  readonly destinations: readonly string[];
  /**
   * Checks a destination that a caller names instead of the configured ones.
   *
   * @throws {InvalidNotificationError} if it cannot be one of this channel
   */
  checkDestination?(destination: string): void;
  /** Whether a message of this channel has room for a line of each that a digest stands for. @default that of the smallest service */
  hasRoomFor?(digest: Batch): boolean;
  /**
   * Delivers one envelope, once; there is no retry inside.
   *
   * @throws {TransportError | ResponseError | NotTheServiceError} when it was not delivered, as far as is known
   * @throws {TooEarlyError} when a doubt cannot be cleared yet
   * @throws {ConfigError} when its credentials cannot be read
   */
  send(envelope: Envelope, options: SendOptions): Promise<Receipt>;
}
