/** Sending with one call. */

import type { NotificationInput } from "../notification/notification.ts";
import { Notifier } from "./notifier.ts";
import type { NotifierOptions, NotifyOptions } from "./options.ts";
import type { Outcome } from "./outcomes.ts";

/**
 * Options of {@linkcode notify}: the rest of the notification, where it goes, and which
 * configuration to use.
 */
export interface NotifyCallOptions
  extends
    Omit<NotificationInput, "subject">,
    NotifyOptions,
    Pick<NotifierOptions, "configFile" | "stateDir" | "insecureHttp" | "onWarning"> {
  /**
   * Whether a background process retries what could not be delivered; see {@linkcode
   * NotifierOptions.background}.
   *
   * @default {true}
   */
  readonly background?: boolean;
}

/** Options of {@linkcode sendNotification} and {@linkcode sendMatrix}. */
export interface SendNotificationOptions extends Omit<NotificationInput, "subject" | "message"> {
  /**
   * How long to try before the notification is left in the queue, milliseconds; 0 only queues.
   *
   * @default {10000}
   */
  readonly waitMs?: number;
  /** Stops the delivery and rejects with the signal's reason. What is queued stays queued. */
  readonly signal?: AbortSignal;
  /** Called with each problem that is not a failure, as one line of text. */
  readonly onWarning?: (text: string) => void;
}

/**
 * Sends a notification with one call: opens a notifier, sends, and closes it. It reads the same
 * environment and file as the command line and shares its queue. When it resolves, each envelope is
 * delivered or on disk.
 *
 * What could not be delivered is retried by a background process, if the program has the permission
 * to run Deno (`--allow-run`), else by the next call or the next run of the command line.
 *
 * @param subject one line of text
 * @param options the rest of the notification, where it goes, and which configuration to use
 * @returns one outcome for each envelope
 * @throws {InvalidNotificationError} if the input cannot be sent
 * @throws {ConfigError} if the configuration cannot be used, or has no channel
 * @throws {PermissionError} if Deno denies access to the environment or the configuration
 * @throws {StorageError} if the queue could not store it and no channel delivered it without the
 * queue. Then nothing is queued.
 *
 * @example Send to the channels in a file
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
  const { channels, kind, room, waitMs, id, signal, ...input } = rest;
  await using notifier = await Notifier.open({ configFile, stateDir, insecureHttp, background, onWarning });
  return await notifier.notify({ subject, ...input }, { channels, kind, room, waitMs, id, signal });
}

/**
 * Sends a notification to every configured channel, like {@linkcode notify}. Name and parameters
 * are those of `$SendNotification` in the RouterOS script that matrix-notify descends from.
 *
 * @param subject one line of text
 * @param message the body; may be empty
 * @param options the rest of the notification, and how long to try
 * @returns one outcome for each envelope
 * @throws {InvalidNotificationError} if the input cannot be sent
 * @throws {ConfigError} if the configuration cannot be used, or has no channel
 * @throws {PermissionError} if Deno denies access to the environment or the configuration
 * @throws {StorageError} if the queue could not store it and no channel delivered it without the
 * queue. Then nothing is queued.
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
 * Sends a notification to the configured Matrix channels only, else like {@linkcode
 * sendNotification}. Name and parameters are those of the original's `$SendMatrix`.
 *
 * @param subject one line of text
 * @param message the body; may be empty
 * @param options the rest of the notification, and how long to try
 * @returns one outcome for each envelope
 * @throws {InvalidNotificationError} if the input cannot be sent
 * @throws {ConfigError} if the configuration cannot be used, or has no Matrix channel
 * @throws {PermissionError} if Deno denies access to the environment or the configuration
 * @throws {StorageError} if the queue could not store it and no channel delivered it without the
 * queue. Then nothing is queued.
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
