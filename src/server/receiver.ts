/**
 * The parts that all receivers of `serve` have in common. A receiver turns requests into
 * notifications:
 *
 * ```text
 * listener -> receiver.handle(request) -> context.accept(notification) -> on disk -> answer
 * ```
 *
 * A receiver does not wait for deliveries, unless a client requests this with `waitMs`.
 *
 * @module
 */

import type { ConfigError } from "../base/errors.ts";
import type { KnownChannel } from "../ingest/http/request.ts";
import type { NotificationInput } from "../notification/notification.ts";
import type { CoreNotifyOptions } from "../notifier/core.ts";
import type { Outcome } from "../notifier/outcomes.ts";
import type { Overview } from "../notifier/overview.ts";
import type { Status } from "../notifier/status.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { BodyReader } from "./body_reader.ts";
import type { DeliveryCounters } from "./delivery_counters.ts";

/** The place where a receiver listens. */
export type ListenAddress =
  /**
   * A Unix socket. `group` is the name or number of the group that can connect to the socket.
   * @default the usual group
   */
  | { readonly transport: "unix"; readonly path: string; readonly group?: string }
  /** A TCP port. `cert` and `key` are PEM texts. */
  | {
    readonly transport: "tcp";
    readonly hostname: string;
    readonly port: number;
    readonly cert?: string;
    readonly key?: string;
  };

/** A notification that is on disk. */
export interface Accepted {
  /** One outcome for each envelope (one notification for one destination). */
  readonly outcomes: readonly Outcome[];
  /** The mistakes in the configuration of `serve`. */
  readonly problems: readonly ConfigError[];
}

/** The options of {@linkcode ReceiverContext.accept}. */
export type AcceptOptions =
  & Pick<
    CoreNotifyOptions,
    "channels" | "kind" | "room" | "id" | "sender" | "untilDelivered" | "onStored"
  >
  & {
    /**
     * How long to wait for the delivery after the notification is on disk, in milliseconds.
     *
     * @default {0}
     */
    readonly waitMs?: number;
  };

/** What `serve` gives to a receiver. */
export interface ReceiverContext {
  /**
   * Queues a notification. Resolves when the notification is on disk. Concurrent calls share one
   * write and one sync.
   *
   * @throws {InvalidNotificationError} if the input cannot be sent
   * @throws {ConfigError} if no channel is configured
   * @throws {StorageError} if the queue could not store the notification
   */
  accept(input: NotificationInput, options?: AcceptOptions): Promise<Accepted>;
  /**
   * Returns true if an incident with the key of the notification is open at one of its
   * destinations.
   */
  hasOpenIncident(input: NotificationInput, options?: AcceptOptions): boolean;
  /** Returns all channels of the configuration, including channels with a mistake. */
  channels(): readonly KnownChannel[];
  /** Returns the directory of the queue. */
  stateDir(): string;
  /** Counts the entries of the queue. */
  status(): Status;
  /** Summarizes the queue for the status page. */
  overview(): Promise<Overview>;
  /** The results of attempts since the start of `serve`. */
  readonly deliveries: DeliveryCounters;
  /** Writes a line to the log. Secrets in the line are hidden. */
  log(text: string): void;
  /** Reads the bodies of the requests of all receivers. */
  readonly bodies: BodyReader;
  readonly runtime: Pick<Runtime, "now" | "sleep" | "uuid">;
}

/** The sender of a request. */
export interface Peer {
  /** The IP address; undefined for a Unix socket. */
  readonly ip?: string;
}

/** A receiver: a listener with its own protocol. A reload replaces it. */
export interface Receiver {
  /** The name in the log: `http`, `socket nut`. */
  readonly name: string;
  readonly address: ListenAddress;
  /** Answers a request. If this function throws, the client gets a short error. */
  handle(request: Request, peer: Peer, context: ReceiverContext): Promise<Response>;
}

/** Returns a text that identifies an address. Two receivers cannot have the same address. */
export function formatAddress(address: ListenAddress): string {
  if (address.transport === "unix") return address.path;
  const host = address.hostname.includes(":") ? `[${address.hostname}]` : address.hostname;
  return `${address.cert === undefined ? "http" : "https"}://${host}:${address.port}`;
}
