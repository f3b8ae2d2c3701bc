/** What every channel kind is to the rest: a type. */

import type { Notification } from "../notification.ts";

/** One notification for one destination. */
export interface Envelope {
  /** The channel's name. */
  readonly channel: string;
  /** Where the channel delivers: a room, a topic, a chat. */
  readonly destination: string;
  /** What was said. */
  readonly notification: Notification;
}

/** Proof of delivery. */
export interface Receipt {
  /** The service's own name for what it took: `event_id` for Matrix. */
  readonly id: string;
}

/** How to send. */
export interface SendOptions {
  /** The same on every try of the same envelope. */
  readonly txnId: string;
  /** Whether it arrives later than its reader would think, so that it must say since when it waited. */
  readonly late: boolean;
  /** How long to wait for an answer, milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** A configured method. */
export interface Channel {
  readonly name: string;
  /** `matrix`, `ntfy`. */
  readonly kind: string;
  /** Where it delivers when nobody says otherwise. */
  readonly destinations: readonly string[];
  /**
   * How long the service recognises a txnId that it has seen, milliseconds: within it a second try makes no second copy. 0: it never does.
   */
  readonly remembersMs: number;
  /**
   * Delivers one envelope, once; there is no retry inside.
   *
   * @throws {TransportError | ResponseError | NotTheServiceError} when it was not delivered, as far as is known
   * @throws {ConfigError} when its credentials cannot be read
   */
  send(envelope: Envelope, options: SendOptions): Promise<Receipt>;
}
