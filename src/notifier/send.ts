/** The two functions that most importers need; named after what the original calls them. */

import { Notifier } from "./notifier.ts";
import type { NotificationInput } from "../notification/notification.ts";
import type { Outcome } from "./outcomes.ts";

/** What can be said besides subject and message. */
export interface SendNotificationOptions extends Omit<NotificationInput, "subject" | "message"> {
  /** How long to try and wait, milliseconds; 0 only queues. @default {10000} */
  readonly waitMs?: number;
  /** Stops the delivery, and rejects with its reason; what is queued stays queued. */
  readonly signal?: AbortSignal;
  /** Hears what goes wrong without being a failure. @default nobody */
  readonly onWarning?: (text: string) => void;
}

/**
 * Sends a notification to every configured channel. It reads the same environment and file as the command line, and shares its queue: when it
 * resolves, each envelope is delivered or on disk.
 *
 * What could not be delivered is tried again by a background deliverer, if the program may run Deno (`--allow-run`), else by the next
 * call, `flush` or command line.
 *
 * @param subject one line
 * @param message the body; may be empty
 * @returns one outcome an envelope
 * @throws {InvalidNotificationError} when the input cannot be sent
 * @throws {ConfigError} when no channel is configured
 * @throws {StorageError} when the disk did not take it: then nothing of it is queued
 */
export function sendNotification(
  subject: string,
  message = "",
  options: SendNotificationOptions = {},
): Promise<Outcome[]> {
  return send({ subject, message, ...options }, undefined, options);
}

/**
 * Sends a notification to the configured Matrix channels only; else like {@linkcode sendNotification}.
 *
 * @param subject one line
 * @param message the body; may be empty
 * @returns one outcome an envelope
 * @throws what {@linkcode sendNotification} throws
 */
export function sendMatrix(
  subject: string,
  message = "",
  options: SendNotificationOptions = {},
): Promise<Outcome[]> {
  return send({ subject, message, ...options }, "matrix", options);
}

async function send(
  input: NotificationInput,
  kind: string | undefined,
  { waitMs, signal, onWarning }: SendNotificationOptions,
): Promise<Outcome[]> {
  // A program that was compiled with this library in it cannot be started again as a deliverer.
  await using notifier = await Notifier.open({ background: Deno.build.standalone ? "no" : "deno", onWarning });
  return await notifier.notify(input, { kind, waitMs, signal });
}
