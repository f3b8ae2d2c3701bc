/** The interface of a channel, as the rest of the program sees it. */

import type { Batch } from "../notification/batch.ts";
import type { Notification } from "../notification/notification.ts";
import type { AttachmentMode } from "../notification/attachment_mode.ts";
import type { Incident } from "../queue/incidents.ts";
import type { InDoubt, Replaced } from "../queue/record.ts";

/** One notification for one destination. */
export interface Envelope {
  /** The channel's name. */
  readonly channel: string;
  /** A room, a topic, a chat, a mailbox. */
  readonly destination: string;
  readonly notification: Notification;
  /**
   * The number of the attachment, from 1, if the channel sends each one separately; undefined for
   * the text, which goes first.
   */
  readonly attachmentIndex?: number;
}

/** Proof of delivery. */
export interface Receipt {
  /** The service's id of the message: the `event_id` for Matrix. */
  readonly id: string;
  /**
   * `read-back`: an earlier try had delivered it, as reading the service back showed.
   *
   * @default {"put"}
   */
  readonly via?: "put" | "read-back";
  /** `true`: an earlier try may have delivered it too. @default {false} */
  readonly possibleDuplicate?: boolean;
}

/** Options for sending. */
export interface SendOptions {
  /** The same on every try of the same envelope. */
  readonly txnId: string;
  /** `true`: it arrives late, so it says since when it was queued. */
  readonly late: boolean;
  /** Earlier notifications that it replaced while they were waiting; it says so. */
  readonly replaced?: Replaced;
  /** The open incident of its key at this destination; the same on every try. */
  readonly incident?: Incident;
  /** Present if an earlier try may have arrived. */
  readonly inDoubt?: InDoubt;
  /** The limit of a request, milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** A channel. */
export interface Channel {
  readonly name: string;
  /** The name of its kind: `matrix`, `ntfy`. */
  readonly kind: string;
  /**
   * Whether a repeated try makes no second message: by its txnId, or because the service can be
   * read back.
   */
  readonly isIdempotent: boolean;
  /**
   * `true`: sending runs programs, for which a background process needs a permission.
   *
   * @default {false}
   */
  readonly runsSubprocesses?: boolean;
  /**
   * How attachments are sent: separately after the text, or with it; undefined if the service has
   * none.
   */
  readonly attachmentMode?: AttachmentMode;
  /** The configured destinations. */
  readonly destinations: readonly string[];
  /**
   * Checks a destination that a caller names instead of the configured ones.
   *
   * @throws {InvalidNotificationError} if it cannot be one of this channel
   */
  checkDestination?(destination: string): void;
  /** Whether a message has room for a batch. @default whether the smallest service has */
  hasRoomFor?(batch: Batch): boolean;
  /**
   * Sends one envelope, once. The courier retries.
   *
   * @throws {TransportError | ResponseError | NotTheServiceError} if it was not delivered, as far
   * as is known
   * @throws {TooEarlyError} if it is too early to find out whether an earlier try arrived
   * @throws {ConfigError} if its credentials cannot be read
   */
  send(envelope: Envelope, options: SendOptions): Promise<Receipt>;
}
