/** Options for opening and using a notifier. */

import type { BatchConfig, ChannelConfig, QuietConfig, RateLimitConfig, RouteConfig } from "../config/config_types.ts";
import type { RouteOptions } from "../routing/route.ts";
import type { Outcome } from "./outcomes.ts";

/**
 * Options for opening a notifier. Without `channels`, the notifier reads the same configuration
 * file and environment variables as the command line.
 */
export interface NotifierOptions {
  /** The configuration file. @default the command line's file */
  readonly configFile?: string;
  /**
   * True to allow plain HTTP to other hosts. The access token is then sent unencrypted.
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
   * The channels by name, each as an object or an Apprise URL. These channels replace the channels
   * of the configuration file and the environment.
   */
  readonly channels?: Readonly<Record<string, ChannelConfig | string>>;
  /**
   * The settings for batches: several notifications in one message. Used only together with
   * `channels`.
   *
   * @default a batch if more than 10 notifications wait for a destination
   */
  readonly batch?: BatchConfig | false;
  /**
   * The maximum number of messages to a destination within a period. Used only together with
   * `channels`. @default no limit
   */
  readonly rateLimit?: RateLimitConfig;
  /**
   * The quiet hours, when only critical notifications are sent. Used only together with `channels`.
   *
   * @default none
   */
  readonly quiet?: QuietConfig | false;
  /**
   * The rules that choose channels. Used only together with `channels`. @default every notification
   * goes to every channel
   */
  readonly routes?: readonly RouteConfig[];
  /**
   * The name of this host, which the title of each message shows. Used only together with
   * `channels`.
   * @default the host's name
   */
  readonly identity?: string;
  /**
   * The template of each message's title, such as `{symbol}{subject} ({identity})`. Used only
   * together with `channels`. `docs/config.md` lists the placeholders.
   *
   * @default `[{identity}] {symbol}{subject}`, without `{symbol}` for ntfy and Gotify
   */
  readonly title?: string;
  /**
   * True if shortcodes such as `:warning-sign:` in a subject are replaced by emoji. Used only
   * together with `channels`.
   *
   * @default {true}
   */
  readonly symbols?: boolean;
  /**
   * True if a background process retries queued notifications. The background process ends when the
   * queue is empty. To start this process, the permission `--allow-run` is required.
   *
   * Without a background process, queued notifications wait for the next call. This happens if
   * `background` is false, if the permission is missing, or if `channels` is set. A background
   * process cannot use channels that are defined in code. A program that `deno compile` made starts
   * no background process either.
   *
   * @default {false}
   */
  readonly background?: boolean;
  /** A function that is called with each warning, as one line of text. */
  readonly onWarning?: (text: string) => void;
  /** A function that is called with the result of each attempt. */
  readonly onAttempt?: (outcome: Outcome) => void;
}

/** Options for one notification. */
export interface NotifyOptions extends RouteOptions {
  /** The kind of channels to use: `matrix`, `ntfy` and so on. */
  readonly kind?: NonNullable<ChannelConfig["kind"]>;
  /**
   * How long this call tries to deliver, in milliseconds. After this time, the notification stays
   * in the queue for later attempts. With 0, the call only puts the notification into the queue.
   *
   * @default {10000}
   */
  readonly waitMs?: number;
  /**
   * True if this call repeats failed attempts until `waitMs` is over. By default, the call makes
   * one attempt and leaves further attempts to a later delivery.
   *
   * @default {false}
   */
  readonly untilDelivered?: boolean;
  /**
   * An idempotency key. Calls with the same key within 7 days send only one notification, even if
   * their texts differ. If you do not know whether a call succeeded, repeat the call with the same
   * key.
   */
  readonly id?: string;
  /**
   * A signal that stops the delivery. The promise then rejects with the signal's reason. Queued
   * entries stay in the queue.
   */
  readonly signal?: AbortSignal;
}

/** Options for a flush. Entries that wait because of quiet hours or a rate limit are not sent. */
export interface FlushOptions {
  /**
   * True if each destination is tried once now, even if its server asked matrix-notify to wait.
   * Short waits that prevent duplicates still apply.
   *
   * @default {false}
   */
  readonly now?: boolean;
  /**
   * How long the flush waits for the next attempt, in milliseconds. If all remaining entries must
   * wait longer, the flush ends.
   * @default {30000}
   */
  readonly waitMs?: number;
  /**
   * A signal that stops the delivery. The promise then rejects with the signal's reason. Queued
   * entries stay in the queue.
   */
  readonly signal?: AbortSignal;
}

/** The default of {@linkcode NotifyOptions.waitMs}. */
export const DEFAULT_NOTIFY_WAIT_MS = 10_000;

/** The default of {@linkcode FlushOptions.waitMs}. */
export const DEFAULT_FLUSH_WAIT_MS = 30_000;
