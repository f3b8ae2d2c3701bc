/**
 * A group of attempts of one channel. Before the group starts, the courier (courier.ts) announces
 * all attempts of the group in the journal (the queue file), in one write. The group makes the
 * attempts one after another, and records their results.
 *
 * One write records several deliveries, because each write costs as much as half a request:
 *
 * ```text
 * attempts   1 delivered   2 delivered   3 delivered   4 failed
 * journal                                              1 2 3 delivered, 4 failed
 * ```
 *
 * Deliveries are recorded when the group ends or an attempt does not deliver its entry, but at the
 * latest after {@linkcode RECORD_AFTER_MS}. If the process is killed, the outcome of each announced
 * attempt without a recorded result is in doubt. These attempts are repeated with the same
 * transaction id, so that the service recognizes a repeated message. For a service that cannot
 * recognize it, the group records each delivery immediately, in a separate write.
 *
 * @module
 */

import type { Channel } from "../channels/channel.ts";
import { isNotification } from "../notification/notification.ts";
import type { AttemptResult } from "../queue/change_records.ts";
import { type Entry, notificationOf } from "../queue/entry.ts";
import type { Queue } from "../queue/queue.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Announcements } from "./announcements.ts";
import { attempt, type FullTextReader } from "./attempt.ts";

/** The result of an attempt, or the expiry of an entry. */
export type CourierEvent = { readonly entry: Entry; readonly result: AttemptResult };

/** The longest timeout of a request. */
export const REQUEST_TIMEOUT_MS = 60_000;

/** A request has at least this timeout, even if the run must end sooner. */
const MIN_TIMEOUT_MS = 1_000;

/**
 * The longest time for an attempt without attachments. An attempt can need many requests: a login,
 * a join, and up to 50 pages of a room.
 */
const ATTEMPT_TIMEOUT_MS = 5 * REQUEST_TIMEOUT_MS;

/**
 * Near the deadline of a run, the time limit of an attempt is this much longer than the time limit
 * of a request. The request then times out first, and its error names the server.
 */
export const ATTEMPT_GRACE_MS = 500;

/** The longest time between a delivery and its record in the journal, in milliseconds. */
const RECORD_AFTER_MS = 100;

/** What a group of attempts uses. */
export interface GroupOptions {
  readonly queue: Queue;
  readonly runtime: Pick<Runtime, "now" | "sleep" | "random" | "timeout">;
  readonly channelOf: (entry: Entry) => Channel;
  readonly shortcodes: boolean;
  readonly files: FullTextReader | undefined;
  readonly announcements: Announcements;
  /** Returns true if no further attempt may start. */
  readonly isStopped: () => boolean;
  /** Called for each attempt after its result was recorded. */
  readonly onEvent: (event: CourierEvent) => void;
  /** The time at which attempts must end, in milliseconds since 1970. */
  readonly deadline: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** A group of attempts. */
export class AttemptGroup {
  readonly #options: GroupOptions;
  /** The deliveries that are not recorded yet. */
  #delivered: CourierEvent[] = [];
  /** Stops the timer that records {@linkcode AttemptGroup.#delivered}. */
  #recordsSoon = new AbortController();
  /** Resolves when the last deliveries are recorded. */
  #recording: Promise<void> = Promise.resolve();
  /** The error if the timer could not record deliveries. */
  #failure: { readonly error: unknown } | undefined;

  constructor(options: GroupOptions) {
    this.#options = options;
  }

  /**
   * Sends entries one after another.
   *
   * @returns false if the run was stopped, an attempt failed, or a batch was rejected
   * @throws the reason of the abort signal, if the signal stopped an attempt
   * @throws {StorageError} if a result cannot be recorded
   */
  async send(entries: readonly Entry[]): Promise<boolean> {
    const { queue, announcements, isStopped } = this.#options;
    try {
      for (const { id, key, channel } of entries) {
        if (isStopped()) return false;
        // Record the earlier deliveries first: the text of a later notification with the same key
        // depends on the recorded deliveries.
        if (key !== undefined) await this.#recordDelivered();
        const entry = queue.state.entry(id);
        announcements.start(id);
        if (entry === undefined || entry.dead) continue;
        const { failures } = queue.state.channelState(channel);
        const result = await this.#attempt(entry, failures);
        if (this.#failure) throw this.#failure.error;
        if (result.state === "delivered" && entries.length > 1 && failures === 0 && this.#mayRepeat(entry)) {
          this.#recordLater({ entry, result });
          continue;
        }
        await this.#recordDelivered();
        await this.#record(entry, result);
        this.#onRecorded({ entry, result });
        // Stop after a rejected batch: its members must be sent, as single messages, before the
        // later entries.
        if (result.state === "failed" || (result.state === "dead" && entry.members)) return false;
      }
      return true;
    } finally {
      try {
        await this.#recordDelivered();
      } finally {
        for (const { id } of entries) announcements.end(id);
      }
    }
  }

  /** Returns true if the service recognizes an attempt that is repeated after a crash. */
  #mayRepeat(entry: Entry): boolean {
    return this.#options.channelOf(entry).isIdempotent;
  }

  async #attempt(entry: Entry, failures: number): Promise<AttemptResult> {
    const { queue, runtime, channelOf, shortcodes, files, deadline = Infinity, signal } = this.#options;
    const timeLeft = Math.max(MIN_TIMEOUT_MS, deadline - runtime.now());
    return await attempt(entry, channelOf(entry), {
      timeout: runtime.timeout,
      timeoutMs: Math.min(REQUEST_TIMEOUT_MS, timeLeft),
      totalMs: Math.min(ATTEMPT_TIMEOUT_MS, timeLeft + ATTEMPT_GRACE_MS),
      signal,
      now: () => runtime.now(),
      findIncident: (one) => queue.state.findIncident(one),
      shortcodes,
      files,
      failures,
      random: runtime.random(),
    });
  }

  async #record(entry: Entry, result: AttemptResult): Promise<void> {
    const { queue } = this.#options;
    if (result.state === "dead" && isFullTextFile(entry)) {
      const { createRefusalNote } = await import("./refused_file.ts");
      return await queue.replaceRejected(entry, createRefusalNote(entry, result.reason));
    }
    await queue.recordResult(entry, result, { isProof: !this.#mayRepeat(entry) });
  }

  /** Records the delivery later, together with others. */
  #recordLater(event: CourierEvent): void {
    if (this.#delivered.push(event) > 1) return;
    const over = this.#recordsSoon = new AbortController();
    this.#options.runtime.sleep(RECORD_AFTER_MS, over.signal).then(async () => {
      if (!over.signal.aborted) await this.#recordDelivered();
    }).catch((error) => this.#failure ??= { error });
  }

  /** Records the deliveries that are not recorded yet, and waits until all of them are recorded. */
  async #recordDelivered(): Promise<void> {
    const events = this.#delivered;
    if (events.length > 0) {
      this.#delivered = [];
      // Without a reason, `abort()` would create an error with a stack trace, which is slow.
      this.#recordsSoon.abort("recorded");
      this.#recording = this.#options.queue.recordDeliveries(events).then(() => {
        for (const event of events) this.#onRecorded(event);
      });
    }
    await this.#recording;
  }

  #onRecorded(event: CourierEvent): void {
    this.#options.announcements.end(event.entry.id);
    this.#options.onEvent(event);
  }
}

/** Returns true if an entry only sends the whole text of an alert as a file. */
export function isFullTextFile(entry: Entry): boolean {
  const notification = notificationOf(entry);
  return isNotification(notification) && notification.isFullText === true;
}
