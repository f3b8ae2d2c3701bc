/** Options for opening and using a notifier. */

import type { BatchConfig, ChannelConfig, QuietConfig, RateLimitConfig, RouteConfig } from "../config/config_types.ts";
import type { RouteOptions } from "../routing/route.ts";
import type { Outcome } from "./outcomes.ts";

/**
 * Options for opening a notifier. Without `channels` it reads the same environment and file as the
 * command line.
 */
export interface NotifierOptions {
  /** The configuration file. @default the command line's file */
  readonly configFile?: string;
  /**
   * Allows plain http to other hosts. The access token then crosses the network unencrypted.
   *
   * @default {false}
   */
  readonly insecureHttp?: boolean;
  /**
   * The directory of the queue. Required with `channels`.
   *
   * @default the command line's state directory
   */
  readonly stateDir?: string;
  /**
   * The channels by name, each as an object or an Apprise URL. They replace those in environment
   * and file.
   */
  readonly channels?: Readonly<Record<string, ChannelConfig | string>>;
  /**
   * When several notifications become one message; with `channels` only.
   *
   * @default {{ over: 10 }}
   */
  readonly batch?: BatchConfig | false;
  /** How often a destination gets a message; with `channels` only. @default no limit */
  readonly rateLimit?: RateLimitConfig;
  /**
   * Quiet hours, in which only critical notifications are sent; with `channels` only.
   *
   * @default none
   */
  readonly quiet?: QuietConfig | false;
  /** Routing rules; with `channels` only. @default every notification goes to every channel */
  readonly routes?: readonly RouteConfig[];
  /** The name in front of each subject; with `channels` only. @default the host's name */
  readonly identity?: string;
  /**
   * Whether shortcodes such as `:warning-sign:` in a subject become emoji; with `channels` only.
   *
   * @default {true}
   */
  readonly symbols?: boolean;
  /**
   * Whether a background process retries what could not be delivered. It ends when the queue is
   * empty. Starting it takes the permission `--allow-run`. Without it, and with `channels`, which
   * another process could not know, queued notifications wait for the next call.
   *
   * @default {false}
   */
  readonly background?: boolean;
  /** Called with each problem that is not a failure, as one line of text. */
  readonly onWarning?: (text: string) => void;
  /** Called with the result of each attempt. */
  readonly onAttempt?: (outcome: Outcome) => void;
}

/** Options for one notification. */
export interface NotifyOptions extends RouteOptions {
  /**
   * How long to try before the notification is left in the queue, milliseconds; 0 only queues.
   *
   * @default {10000}
   */
  readonly waitMs?: number;
  /**
   * An idempotency key, at most 255 characters without blanks. Calls with the same key within 7
   * days are one notification, even if they differ. A caller that does not know whether a call
   * succeeded can repeat it.
   */
  readonly id?: string;
  /** Stops the delivery and rejects with the signal's reason. What is queued stays queued. */
  readonly signal?: AbortSignal;
}

/** Options for a flush. Entries in quiet hours or under a rate limit keep waiting. */
export interface FlushOptions {
  /** The flush ends when nothing is due within this time, milliseconds. @default {30000} */
  readonly waitMs?: number;
  /** Stops the delivery and rejects with the signal's reason. What is queued stays queued. */
  readonly signal?: AbortSignal;
}

/** Default of {@linkcode NotifyOptions.waitMs}. */
export const DEFAULT_NOTIFY_WAIT_MS = 10_000;

/** Default of {@linkcode FlushOptions.waitMs}. */
export const DEFAULT_FLUSH_WAIT_MS = 30_000;
