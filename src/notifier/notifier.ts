/** The notifier for programs that import matrix-notify. */

import type { NotificationInput } from "../notification/notification.ts";
import { NotifierCore } from "./core.ts";
import type { FlushOptions, NotifierOptions, NotifyOptions } from "./options.ts";
import type { Outcome, QueuedEntry } from "./outcomes.ts";
import type { Status } from "./status.ts";

/**
 * Sends notifications. If a notification cannot be delivered yet, it is stored in a queue on disk.
 * Open one notifier in a program that sends often; for a single notification, call {@linkcode
 * notify}. Several notifiers can share a state directory, even in different processes.
 *
 * @example Define the channels in code
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
  /** Ends the calls in progress after their current attempts. */
  readonly #leave = new AbortController();
  /** The calls in progress. */
  readonly #calls = new Set<Promise<unknown>>();

  /** Call {@linkcode Notifier.open} instead. */
  private constructor() {}

  /**
   * Opens a notifier. Opening does not send or write anything.
   *
   * @param options the configuration and the queue to use; by default, those of the command line
   * @returns the notifier; dispose of it to release its locks and connections
   * @throws {ConfigError} if an option has a mistake, such as a channel in `channels`
   * @throws {PermissionError} if Deno denies access to the environment or the configuration
   */
  static async open(options: NotifierOptions = {}): Promise<Notifier> {
    const notifier = new Notifier();
    notifier.#core = await NotifierCore.open(options);
    return notifier;
  }

  /**
   * Sends a notification to the channels that the rules choose, by default to all channels. The
   * notification for one destination is called an envelope. When the promise resolves, each
   * envelope is delivered or on disk, unless its outcome is `refused`.
   *
   * @param input the notification
   * @param options the channels, and how long to try
   * @returns one outcome for each envelope, including pending fallbacks
   * @throws {InvalidNotificationError} if an option of the notification is wrong
   * @throws {ConfigError} if no channel is configured
   * @throws {StorageError} if the queue could not store the notification, and no channel delivered
   * it without the queue
   */
  notify(input: NotificationInput, options: NotifyOptions = {}): Promise<Outcome[]> {
    return this.#track(this.#core.notify(input, { ...options, leave: this.#leave.signal }));
  }

  /**
   * Tries all queued entries now, without the usual waiting time between attempts. The flush ends
   * when the queue is empty, or when the remaining entries must wait longer than `waitMs`.
   *
   * @param options how long to wait for entries that are not due yet
   * @returns one outcome for each entry that was in the queue or was added during the flush
   * @throws {StorageError} if the queue cannot be used
   */
  flush({ now, ...options }: FlushOptions = {}): Promise<Outcome[]> {
    const leave = this.#leave.signal;
    return this.#track(this.#core.flush({ ...options, leave, ...(now ? { reach: "all" } : {}) }));
  }

  /**
   * Counts the entries in the queue.
   *
   * @returns the numbers of entries, their ages, and the size of the queue
   * @throws {StorageError} if the queue cannot be read
   */
  status(): Status {
    return this.#core.status();
  }

  /**
   * Lists the entries of the queue, including dead letters.
   *
   * @returns the entries in the order in which they were queued; a batch is listed as one entry
   * @throws {StorageError} if the queue cannot be read
   */
  entries(): QueuedEntry[] {
    return this.#core.entries();
  }

  /**
   * Tries entries now, including dead letters. The entries get a new expiry of 14 days. Quiet hours
   * and rate limits do not delay the entries. The id of any member of a batch selects the whole
   * batch.
   *
   * @param ids the ids of the entries; unknown ids are ignored
   * @param options how long to try
   * @returns one outcome for each entry
   * @throws {StorageError} if the queue cannot be used
   */
  retry(ids: readonly string[], options: Pick<NotifyOptions, "waitMs" | "signal"> = {}): Promise<Outcome[]> {
    return this.#track(this.#core.retry(ids, { ...options, leave: this.#leave.signal }));
  }

  /**
   * Removes entries permanently. The id of any member of a batch selects the whole batch.
   *
   * @param ids the ids of the entries; unknown ids are ignored
   * @returns a promise that resolves when the entries are removed
   * @throws {StorageError} if the queue cannot be used
   */
  drop(ids: readonly string[]): Promise<void> {
    return this.#track(this.#core.drop(ids));
  }

  /**
   * Ends the calls in progress after their current attempts, and releases locks and connections.
   * Queued entries stay in the queue. To cancel an attempt, abort the signal of the call.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#leave.abort();
    await Promise.allSettled(this.#calls);
    await this.#core[Symbol.asyncDispose]();
  }

  async #track<Result>(call: Promise<Result>): Promise<Result> {
    this.#calls.add(call);
    try {
      return await call;
    } finally {
      this.#calls.delete(call);
    }
  }
}
