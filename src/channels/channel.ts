/** The interface of a channel (a configured way to send notifications). */

import type { Notification } from "../notification/notification.ts";
import type { AttachmentMode } from "../notification/attachment_mode.ts";
import type { Incident } from "../queue/incidents.ts";
import type { InDoubt, Replaced } from "../queue/record.ts";
import type { RenderedMessage } from "./message.ts";

/** One notification for one destination. */
export interface Envelope {
  /** The channel's name. */
  readonly channel: string;
  /** The room, topic, chat or mailbox that gets the notification. */
  readonly destination: string;
  readonly notification: Notification;
  /**
   * The number of the attachment, starting at 1, if this envelope sends an attachment without the
   * text. Otherwise undefined.
   */
  readonly attachmentIndex?: number;
}

/** The proof of a delivery. */
export interface Receipt {
  /** The service's id of the message: the `event_id` for Matrix. */
  readonly id: string;
  /**
   * How the delivery was proved. `put`: the service accepted the request. `read-back`: the channel
   * asked the service and found the message of an earlier attempt.
   *
   * @default {"put"}
   */
  readonly via?: "put" | "read-back";
  /**
   * True if the message may exist twice, because an earlier attempt may have delivered it.
   *
   * @default {false}
   */
  readonly possibleDuplicate?: boolean;
}

/** Options for sending. */
export interface SendOptions {
  /**
   * The transaction id: an id that is the same for every attempt to send the envelope (one
   * notification for one destination).
   */
  readonly txnId: string;
  /** True if the notification is sent late. The message then mentions the delay. */
  readonly late: boolean;
  /**
   * The queued notifications that this notification replaced; undefined if there are none. The
   * message shows their number.
   */
  readonly replaced?: Replaced;
  /**
   * The open incident (a problem that is not resolved yet) with the notification's key at this
   * destination. Every attempt to send the notification gets the same incident.
   */
  readonly incident?: Incident;
  /** The earlier attempts with an unknown outcome; undefined if there are none. */
  readonly inDoubt?: InDoubt;
  /** The time limit of each request, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** A configured way to send notifications. */
export interface Channel {
  readonly name: string;
  /** The name of the kind: `matrix`, `ntfy`. */
  readonly kind: string;
  /**
   * True if a repeated attempt does not create a second message. Either the service recognizes the
   * transaction id (the same id for every attempt), or the channel can check whether the message
   * exists.
   */
  readonly isIdempotent: boolean;
  /**
   * True if the channel runs a program to send a notification. The user sets the time limit of the
   * program.
   *
   * @default {false}
   */
  readonly runsSubprocesses?: boolean;
  /**
   * How attachments are sent: in separate messages after the text, or together with the text;
   * undefined if the channel cannot send attachments.
   */
  readonly attachmentMode?: AttachmentMode;
  /**
   * Returns true if the service has recently refused all files. In this case, a long message is
   * only cut. Otherwise, a long message is cut, and the whole message is also sent as a file.
   *
   * @default the service accepts files
   */
  refusesFiles?(): boolean;
  /**
   * Identifies the account that sends. If the caller chooses a room, and several channels have the
   * same account, only one of these channels sends to the room.
   *
   * @default the account is unknown
   */
  readonly account?: string;
  /** The configured destinations. */
  readonly destinations: readonly string[];
  /**
   * Checks a destination that the caller chose instead of the configured destinations.
   *
   * @throws {InvalidNotificationError} if the channel cannot send to this destination
   */
  checkDestination?(destination: string): void;
  /**
   * Returns true if a notification fits into one message of the service without being cut, even
   * with the longest notes about a delay and replaced notifications. A batch (several notifications
   * in one message) must also fit with its formatting.
   *
   * @param message the rendered message of the notification
   */
  hasRoomFor(notification: Notification, message: RenderedMessage): boolean;
  /**
   * Makes one attempt to send an envelope. If the attempt fails, the caller can call this method
   * again.
   *
   * @throws {TransportError | ResponseError | NotTheServiceError} if the notification was not
   * delivered, or if the outcome is unknown
   * @throws {TooEarlyError} if it is too early to check whether an earlier attempt arrived
   * @throws {ConfigError} if the credentials of the channel cannot be read
   */
  send(envelope: Envelope, options: SendOptions): Promise<Receipt>;
}
