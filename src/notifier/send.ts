/** Functions that send a notification with one call. */

import type { NotificationInput } from "../notification/notification.ts";
import { Notifier } from "./notifier.ts";
import type { NotifierOptions, NotifyOptions } from "./options.ts";
import type { Outcome } from "./outcomes.ts";

/**
 * Options of {@linkcode notify}. They contain the channels, the configuration, and all fields of
 * the notification except the subject.
 */
export interface NotifyCallOptions
  extends
    Omit<NotificationInput, "subject">,
    NotifyOptions,
    Pick<NotifierOptions, "configFile" | "stateDir" | "insecureHttp" | "onWarning"> {
  /**
   * True if a background process retries queued notifications; see {@linkcode
   * NotifierOptions.background}.
   *
   * @default {true}
   */
  readonly background?: boolean;
}

/** Options of {@linkcode sendNotification} and {@linkcode sendMatrix}. */
export interface SendNotificationOptions extends Omit<NotificationInput, "subject" | "message"> {
  /**
   * How long this call tries to deliver, in milliseconds. After this time, the notification stays
   * in the queue for later attempts. With 0, the call only puts the notification into the queue.
   *
   * @default {10000}
   */
  readonly waitMs?: number;
  /**
   * A signal that stops the delivery. The promise then rejects with the signal's reason. Queued
   * entries stay in the queue.
   */
  readonly signal?: AbortSignal;
  /** A function that is called with each warning, as one line of text. */
  readonly onWarning?: (text: string) => void;
}

/**
 * Sends a notification with one call: opens a notifier, sends the notification and closes the
 * notifier. This function uses the same configuration and queue as the command line. The
 * notification for one destination is called an envelope. When the promise resolves, each envelope
 * is delivered or on disk, unless its outcome is `refused`.
 *
 * If an envelope could not be delivered, a background process tries again. To start this process,
 * this program needs the permission to run Deno (`--allow-run`). Without the permission,
 * matrix-notify tries again at the next call or at the next run of the command line.
 *
 * If a channel of the configuration file has a mistake, the notification for this channel is `held`
 * until the mistake is fixed.
 *
 * @param subject one line of text
 * @param options the other fields of the notification, its channels, and the configuration
 * @returns one outcome for each envelope (one notification for one destination)
 * @throws {InvalidNotificationError} if an option of the notification is wrong
 * @throws {ConfigError} if no channel is configured
 * @throws {PermissionError} if Deno denies access to the environment or the configuration
 * @throws {StorageError} if the queue could not store the notification, and no channel delivered it
 * without the queue
 *
 * @example Send to the channels of a configuration file
 * ```ts
 * import { notify } from "@matrix-notify/matrix-notify";
 * import { LoopbackNtfy } from "@matrix-notify/matrix-notify/testing";
 * import { assertEquals } from "@std/assert";
 *
 * await using ntfy = await LoopbackNtfy.start();
 * const stateDir = await Deno.makeTempDir();
 * const configFile = `${stateDir}/config.json`;
 * await Deno.writeTextFile(configFile, JSON.stringify({ channels: { ntfy: { server: ntfy.url, topic: "alerts" } } }));
 *
 * const [outcome] = await notify("Backup failed", {
 *   message: "No space left on /dev/sda1",
 *   severity: "error",
 *   configFile,
 *   stateDir,
 * });
 * assertEquals(outcome.state, "delivered");
 * await Deno.remove(stateDir, { recursive: true });
 * ```
 */
export async function notify(subject: string, options: NotifyCallOptions = {}): Promise<Outcome[]> {
  const { configFile, stateDir, insecureHttp, background = true, onWarning, ...rest } = options;
  await using notifier = await Notifier.open({ configFile, stateDir, insecureHttp, background, onWarning });
  return await notifier.notify({ subject, ...rest }, rest);
}

/**
 * Sends a notification to every configured channel. See also {@linkcode notify}. The name and the
 * parameters are the same as in `$SendNotification`, the RouterOS script on which matrix-notify is
 * based.
 *
 * @param subject one line of text
 * @param message the body; it may be empty
 * @param options the other fields of the notification, and how long to try
 * @returns one outcome for each envelope
 * @throws {InvalidNotificationError} if an option of the notification is wrong
 * @throws {ConfigError} if no channel is configured
 * @throws {PermissionError} if Deno denies access to the environment or the configuration
 * @throws {StorageError} if the queue could not store the notification, and no channel delivered it
 * without the queue
 *
 * @example
 * ```ts ignore
 * const outcomes = await sendNotification("Backup failed", "No space left on /dev/sda1");
 * ```
 */
export function sendNotification(
  subject: string,
  message = "",
  options: SendNotificationOptions = {},
): Promise<Outcome[]> {
  return notify(subject, { message, ...options });
}

/**
 * Sends a notification to every configured Matrix channel, but to no other channel. The name and
 * the parameters are the same as in the RouterOS script `$SendMatrix`.
 *
 * @param subject one line of text
 * @param message the body; it may be empty
 * @param options the other fields of the notification, and how long to try
 * @returns one outcome for each envelope
 * @throws {InvalidNotificationError} if an option of the notification is wrong, or if no channel is
 * a Matrix channel
 * @throws {ConfigError} if no channel is configured
 * @throws {PermissionError} if Deno denies access to the environment or the configuration
 * @throws {StorageError} if the queue could not store the notification, and no channel delivered it
 * without the queue
 *
 * @example
 * ```ts ignore
 * const [outcome] = await sendMatrix("Backup failed", "No space left on /dev/sda1", { severity: "error" });
 * ```
 */
export function sendMatrix(
  subject: string,
  message = "",
  options: SendNotificationOptions = {},
): Promise<Outcome[]> {
  return notify(subject, { message, ...options, kind: "matrix" });
}
