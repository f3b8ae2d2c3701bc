/** The notifier for importers. */

import type { NotificationInput } from "../notification/notification.ts";
import { NotifierCore } from "./core.ts";
import type { FlushOptions, NotifierOptions, NotifyOptions } from "./options.ts";
import type { Outcome, QueuedEntry } from "./outcomes.ts";
import type { Status } from "./status.ts";

/**
 * Sends notifications, and keeps those that cannot be delivered yet in a queue on disk. Programs
 * that send often hold one notifier; for a single call there is {@linkcode notify}. Several
 * notifiers, in one process or in many, can share a state directory.
 *
 * @example Send with channels of your own
 * ```ts
 * import { Notifier } from "@matrix-notify/matrix-notify";
 * import { LoopbackHomeserver } from "@matrix-notify/matrix-notify/testing";
 * import { assertEquals } from "@std/assert";
 *
 * await using homeserver = await LoopbackHomeserver.start();
 * const { userId, accessToken } = homeserver.addUser("bot");
 * const room = homeserver.createRoom({ members: [userId] });
 *
 * const stateDir = await Deno.makeTempDir();
 * {
 *   await using notifier = await Notifier.open({
 *     stateDir,
 *     channels: { matrix: { homeserver: homeserver.url, accessToken, room } },
 *   });
 *   const [outcome] = await notifier.notify({ subject: "Backup failed", severity: "error" });
 *   assertEquals(outcome.state, "delivered");
 * }
 * await Deno.remove(stateDir, { recursive: true });
 * ```
 */
export class Notifier implements AsyncDisposable {
  #core!: NotifierCore;

  /** Use {@linkcode Notifier.open}. */
  private constructor() {}

  /**
   * Opens a notifier. Nothing is sent or written yet.
   *
   * @param options where the configuration and the queue are; by default those of the command line
   * @returns the notifier; dispose of it to release its locks and connections
   * @throws {ConfigError} if the configuration cannot be used
   * @throws {PermissionError} if Deno denies access to the environment or the configuration
   * @throws {StorageError} if the queue cannot be read
   */
  static async open(options: NotifierOptions = {}): Promise<Notifier> {
    const notifier = new Notifier();
    notifier.#core = await NotifierCore.open(options);
    return notifier;
  }

  /**
   * Sends a notification to the channels that the rules choose, by default to all. When it
   * resolves, each envelope is delivered or on disk, except those whose outcome is `refused`.
   *
   * @param input the notification
   * @param options where it goes, and how long to try
   * @returns one outcome for each envelope, pending fallbacks included
   * @throws {InvalidNotificationError} if the input cannot be sent
   * @throws {ConfigError} if no channel is configured
   * @throws {StorageError} if the queue could not store it and no channel delivered it without the
   * queue. Then nothing is queued.
   */
  notify(input: NotificationInput, options: NotifyOptions = {}): Promise<Outcome[]> {
    return this.#core.notify(input, options);
  }

  /**
   * Tries everything in the queue now, without waiting for the backoff, until the queue is empty or
   * the rest must wait.
   *
   * @param options how long to go on
   * @returns one outcome for each entry that was in the queue or came meanwhile
   * @throws {StorageError} if the queue cannot be used
   */
  flush(options: FlushOptions = {}): Promise<Outcome[]> {
    return this.#core.flush(options);
  }

  /**
   * Counts what is in the queue.
   *
   * @returns the queue in numbers
   * @throws {StorageError} if the queue cannot be read
   */
  status(): Status {
    return this.#core.status();
  }

  /**
   * Lists the entries of the queue, dead letters included.
   *
   * @returns the entries in the order in which they were queued; a batch is one entry
   * @throws {StorageError} if the queue cannot be read
   */
  entries(): QueuedEntry[] {
    return this.#core.entries();
  }

  /**
   * Tries entries now, dead letters too. They get a new expiry of 14 days and do not wait for quiet
   * hours or a rate limit. A member of a batch is tried with its whole batch.
   *
   * @param ids ids of entries; an id that is not in the queue is ignored
   * @param options how long to try
   * @returns one outcome for each of the entries
   * @throws {StorageError} if the queue cannot be used
   */
  retry(ids: readonly string[], options: Pick<NotifyOptions, "waitMs" | "signal"> = {}): Promise<Outcome[]> {
    return this.#core.retry(ids, options);
  }

  /**
   * Removes entries for good. A member of a batch is removed with its whole batch.
   *
   * @param ids ids of entries; an id that is not in the queue is ignored
   * @returns a promise that resolves when they are removed
   * @throws {StorageError} if the queue cannot be used
   */
  drop(ids: readonly string[]): Promise<void> {
    return this.#core.drop(ids);
  }

  /** Releases locks and connections. What is queued stays queued. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#core[Symbol.asyncDispose]();
  }
}
