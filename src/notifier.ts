/**
 * The notifier wires the parts: configuration, channels, queue and courier. It is what library users hold, and what the command line uses.
 *
 * ```text
 * notify:  createNotification -> route -> queue.enqueue (on disk: from here it cannot be lost) -> deliver -> outcomes
 * deliver: whoever gets deliver.lock runs the courier; everybody else watches the journal until theirs is settled, stuck, or time is up
 * leave:   the last one to hold the lock starts a deliverer in the background for what is left
 * ```
 *
 * @module
 */

import type { Channel, Envelope } from "./channels/channel.ts";
import type { ChannelConfig } from "./channels/registry.ts";
import { route, type RouteOptions } from "./channels/routing.ts";
import { inlineConfig, loadConfig } from "./config/load.ts";
import { stateDirPath } from "./config/paths.ts";
import { Courier, type RunOptions } from "./delivery/courier.ts";
import { deliverOrWatch } from "./delivery/duty.ts";
import { createNotification, DEFAULT_TTL_MS, type NotificationInput } from "./notification.ts";
import type { Entry } from "./queue/entry.ts";
import { type Draft, Queue } from "./queue/queue.ts";
import {
  attemptOutcome,
  type Outcome,
  outcomeOf,
  type QueuedEntry,
  queuedEntry,
  type Status,
  statusOf,
} from "./report.ts";
import { denoRuntime, type Runtime } from "./runtime.ts";

/** How to open a notifier. Without `channels` it reads the same environment and file as the command line. */
export interface NotifierOptions {
  /** The configuration file. @default the usual places */
  readonly configFile?: string;
  /** Permits plain http to other hosts; the access token goes over the network in the clear. @default {false} */
  readonly insecureHttp?: boolean;
  /** Where the queue lives. @default the command line's state directory */
  readonly stateDir?: string;
  /** The channels by name, instead of those in environment and file. */
  readonly channels?: Readonly<Record<string, ChannelConfig>>;
  /** The name that stands before each subject; with `channels` only. @default the host's name */
  readonly identity?: string;
  /** Starts a deliverer for what is left behind; says why when it could not. Without it nothing is started. */
  readonly startBackground?: (stateDir: string) => string | undefined;
  /** The outside world. @default the real one */
  readonly runtime?: Runtime;
  /** Hears what goes wrong without being a failure. @default nobody */
  readonly onWarning?: (text: string) => void;
  /** Hears what became of every attempt. @default nobody */
  readonly onAttempt?: (outcome: Outcome) => void;
}

/** How to notify. */
export interface NotifyOptions extends RouteOptions {
  /** How long to try and wait, milliseconds; 0 only queues. @default {10000} */
  readonly waitMs?: number;
  /** Stops the delivery, and rejects with its reason; what is queued stays queued. */
  readonly signal?: AbortSignal;
}

/** How to flush. */
export interface FlushOptions {
  /** What must wait longer than this is left for later, milliseconds. @default {30000} */
  readonly waitMs?: number;
  /** Stops the delivery, and rejects with its reason; what is queued stays queued. */
  readonly signal?: AbortSignal;
}

/** How long `notify` tries by default. */
export const DEFAULT_NOTIFY_WAIT_MS = 10_000;

/** How long `flush` has patience by default. */
export const DEFAULT_FLUSH_WAIT_MS = 30_000;

/** Sends notifications, and keeps those that cannot be delivered yet. */
export class Notifier implements AsyncDisposable {
  /** Where the queue lives. */
  readonly stateDir: string;
  /** The name that stands before each subject. */
  readonly identity: string;
  readonly #runtime: Runtime;
  readonly #channels: readonly Channel[];
  readonly #queue: Queue;
  readonly #courier: Courier;
  readonly #options: NotifierOptions;
  readonly #background: boolean;
  readonly #ownRuntime: Disposable | undefined;

  private constructor(options: NotifierOptions, runtime: Runtime, ownRuntime: Disposable | undefined) {
    const { channels, identity } = options;
    const config = channels === undefined
      ? loadConfig(runtime, options)
      : inlineConfig({ channels, ...(identity === undefined ? {} : { identity }) }, runtime, options);
    this.#options = options;
    this.#runtime = runtime;
    this.#ownRuntime = ownRuntime;
    this.#background = config.background;
    this.identity = config.identity;
    const context = { runtime, identity: config.identity, warn: (text: string) => options.onWarning?.(text) };
    this.#channels = config.channels.map((open) => open(context));
    this.stateDir = options.stateDir ?? stateDirPath(runtime);
    this.#queue = Queue.open(this.stateDir, runtime);
    const byName = new Map(this.#channels.map((channel) => [channel.name, channel]));
    this.#courier = new Courier(this.#queue, byName, runtime, (event) => options.onAttempt?.(attemptOutcome(event)));
  }

  /**
   * Opens a notifier.
   *
   * @throws {ConfigError} when the configuration cannot be used
   * @throws {QueueError} when the queue cannot be opened
   */
  static open(options: NotifierOptions = {}): Promise<Notifier> {
    const own = options.runtime === undefined ? denoRuntime() : undefined;
    try {
      return Promise.resolve(new Notifier(options, options.runtime ?? own ?? denoRuntime(), own));
    } catch (error) {
      own?.[Symbol.dispose]();
      return Promise.reject(error);
    }
  }

  /**
   * Sends a notification to every configured channel, or to those that the options name. When this resolves, each envelope is delivered or on
   * disk.
   *
   * @returns one outcome an envelope
   * @throws {InvalidNotificationError} when the input cannot be sent
   * @throws {ConfigError} when no channel is configured
   * @throws {QueueError} when the disk did not take it: then nothing of it is queued
   */
  async notify(input: NotificationInput, options: NotifyOptions = {}): Promise<Outcome[]> {
    const envelopes = this.plan(input, options);
    const { waitMs = DEFAULT_NOTIFY_WAIT_MS, signal } = options;
    const deadline = this.#runtime.now() + waitMs;
    const drafts = envelopes.map((envelope) => ({
      ...envelope,
      expires: envelope.notification.expires,
      key: envelope.notification.key,
    }));
    this.#queue.prepare();
    const entries = await this.#enqueue(drafts, waitMs > 0 && this.#queue.deliverLock.tryAcquire());
    await this.#deliver({ deadline, patienceMs: 0, mine: entries.map((entry) => entry.id), signal });
    const outcomes = entries.map((entry) => this.#outcome(entry));
    if (outcomes.some((outcome) => outcome.state !== "delivered")) this.#queue.syncDirectory();
    return outcomes;
  }

  /** Who delivers announces the first attempts in the same write, as far as nothing older is before them. */
  async #enqueue(drafts: readonly Draft[], delivers: boolean): Promise<Entry[]> {
    try {
      if (delivers) this.#queue.refresh();
      const idle = new Set(
        delivers ? drafts.map(({ channel }) => channel).filter((name) => this.#courier.isIdle(name)) : [],
      );
      const entries = await this.#queue.enqueue(drafts, ({ channel }) => idle.has(channel));
      this.#courier.adopt(entries);
      return entries;
    } catch (error) {
      this.#queue.deliverLock.release();
      throw error;
    }
  }

  /**
   * What {@linkcode Notifier.notify} would put into the queue: checked and routed, and nothing else.
   *
   * @throws what `notify` throws for bad input
   */
  plan(input: NotificationInput, options: RouteOptions = {}): Envelope[] {
    return route(createNotification(input, this.#runtime.now()), this.#channels, options);
  }

  /**
   * Tries everything now, whatever our own backoff says, and goes on until the queue is empty or what is left must wait longer.
   *
   * @returns an outcome for each entry that was, or is, in the queue
   */
  async flush(options: FlushOptions = {}): Promise<Outcome[]> {
    this.#queue.refresh();
    const before = this.#queue.live();
    if (before.length === 0) return [];
    this.#queue.prepare();
    this.#queue.watch(before);
    await this.#queue.requestFlush();
    await this.#deliver({ patienceMs: options.waitMs ?? DEFAULT_FLUSH_WAIT_MS, signal: options.signal });
    const known = new Set(before.map((entry) => entry.id));
    return [...before, ...this.#queue.live().filter((entry) => !known.has(entry.id))].map((entry) =>
      this.#outcome(entry)
    );
  }

  /**
   * Becomes the one that delivers, before {@linkcode Notifier.deliverAll}.
   *
   * @returns false when another process is it, and stays it for `timeoutMs`
   */
  async takeDelivery(timeoutMs: number): Promise<boolean> {
    this.#queue.prepare();
    return await this.#queue.deliverLock.acquire(timeoutMs, this.#runtime);
  }

  /**
   * Delivers until the queue is empty, however long that takes: what the background deliverer does.
   *
   * @throws the signal's reason, when that ended it
   */
  async deliverAll(signal: AbortSignal): Promise<void> {
    await this.#deliver({ patienceMs: Infinity, signal });
  }

  /** The queue in numbers. */
  status(): Promise<Status> {
    this.#queue.refresh();
    return Promise.resolve(statusOf(this.#queue, this.#runtime.now()));
  }

  /** What is in the queue, the dead included, in the order of arrival. */
  entries(): QueuedEntry[] {
    this.#queue.refresh();
    return this.#queue.entries().map((entry) => queuedEntry(this.#queue, entry, this.#courier.readyAt(entry.id)));
  }

  /**
   * Makes entries due now, the dead ones too, with a new expiry of 14 days, and tries them.
   *
   * @param ids of entries in the queue; others are passed over
   */
  async retry(ids: readonly string[], options: Pick<NotifyOptions, "waitMs" | "signal"> = {}): Promise<Outcome[]> {
    const { waitMs = DEFAULT_NOTIFY_WAIT_MS, signal } = options;
    const deadline = this.#runtime.now() + waitMs;
    const entries = this.#known(ids);
    this.#queue.watch(entries);
    await this.#queue.retry(entries, DEFAULT_TTL_MS);
    await this.#deliver({ deadline, patienceMs: 0, mine: ids, signal });
    return entries.map((entry) => this.#outcome(entry));
  }

  /**
   * Removes entries for good.
   *
   * @param ids of entries in the queue; others are passed over
   */
  async drop(ids: readonly string[]): Promise<void> {
    await this.#queue.drop(this.#known(ids));
  }

  /** Lets go of everything that is open. What is queued stays queued. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#queue.deliverLock.release();
    this.#ownRuntime?.[Symbol.dispose]();
    return Promise.resolve();
  }

  #known(ids: readonly string[]): Entry[] {
    this.#queue.refresh();
    return ids.map((id) => this.#queue.entry(id)).filter((entry) => entry !== undefined);
  }

  async #deliver(options: RunOptions): Promise<void> {
    const delivered = await deliverOrWatch(this.#queue, this.#courier, { ...options, runtime: this.#runtime });
    if (delivered.problem) this.#warn(delivered.problem);
    if (delivered.byUs) this.#leaveBehind();
  }

  /** Nobody delivers now: what is left needs somebody. */
  #leaveBehind(): void {
    const { startBackground } = this.#options;
    if (startBackground === undefined || !this.#background || this.#queue.live().length === 0) return;
    const problem = startBackground(this.stateDir);
    if (problem !== undefined) this.#warn(`Cannot start the background deliverer: ${problem}`);
  }

  #warn(text: string): void {
    this.#options.onWarning?.(text);
  }

  #outcome(entry: Entry): Outcome {
    return outcomeOf(this.#queue, entry, this.#courier.readyAt(entry.id));
  }
}
