/**
 * The notifier is what library users hold, and what the command line uses. Its parts are wired in `wiring.ts`.
 *
 * ```text
 * notify:  createNotification -> route -> queue.enqueue (on disk: from here it cannot be lost) -> deliver -> outcomes
 * deliver: whoever gets deliver.lock runs the courier; everybody else watches the journal (delivery/duty.ts)
 * leave:   what is left gets a deliverer in the background, unless there is one
 * ```
 *
 * @module
 */

import type { Channel } from "../channels/channel.ts";
import { type Lane, type Plan, route, type RouteOptions, type Routing } from "../routing/route.ts";
import type { Courier, RunOptions } from "../delivery/courier.ts";
import { type BackgroundEnd, deliverUntilEmpty } from "./background/loop.ts";
import { deliverOrWatch, prepareDelivery } from "../delivery/deliver_or_watch.ts";
import { enqueueRequests } from "./enqueue_requests.ts";
import { StorageError } from "../base/errors.ts";
import { checkId, createNotification, DEFAULT_TTL_MS } from "../notification/notification.ts";
import type { Notification, NotificationInput } from "../notification/notification.ts";
import { DEFAULT_FLUSH_WAIT_MS, DEFAULT_NOTIFY_WAIT_MS } from "./options.ts";
import type { FlushOptions, NotifierOptions, NotifyOptions } from "./options.ts";
import { type Entry, expandBatches, laneKey } from "../queue/entry.ts";
import { fullnessWarning } from "../queue/limits.ts";
import type { Queue } from "../queue/queue.ts";
import type { Enqueued, EnqueueRequest } from "../queue/queue_types.ts";
import { mutedOutcomes, type Outcome, type QueuedEntry, type Reporter } from "./outcomes.ts";
import { denoRuntime, type Runtime } from "../runtime/runtime.ts";
import { type Status, statusOf } from "./status.ts";
import type { StagedAttachments } from "./staged_attachments.ts";
import { sendWithoutQueue } from "./send_without_queue.ts";
import { wireParts } from "./wiring.ts";

/** Sends notifications, and keeps those that cannot be delivered yet. */
export class Notifier implements AsyncDisposable {
  /** The name that stands before each subject. */
  readonly identity: string;
  /** Where the queue lives. */
  readonly stateDir: string;
  /** A notification as its readers will see it: what resolves says so, and names of symbols are symbols unless the configuration says otherwise. */
  readonly shown: (notification: Notification) => Notification;
  readonly #shortcodes: boolean;
  readonly #runtime: Runtime;
  readonly #ownRuntime: Disposable;
  readonly #routing: Routing;
  readonly #byName: ReadonlyMap<string, Channel>;
  readonly #queue: Queue;
  readonly #courier: Courier;
  readonly #reporter: Reporter;
  readonly #leaveBehind: () => void;
  readonly #warn: (text: string) => void;

  private constructor(options: NotifierOptions, real: Runtime & Disposable) {
    const parts = wireParts(options, real);
    this.#ownRuntime = real;
    this.#runtime = parts.runtime;
    this.#leaveBehind = parts.handOver;
    this.identity = parts.identity;
    this.stateDir = parts.stateDir;
    this.shown = parts.shown;
    this.#shortcodes = parts.shortcodes;
    this.#routing = parts.routing;
    this.#byName = parts.byName;
    this.#queue = parts.queue;
    this.#courier = parts.courier;
    this.#reporter = parts.reporter;
    this.#warn = parts.warn;
  }

  /**
   * Opens a notifier.
   *
   * @throws {ConfigError} when the configuration cannot be used
   * @throws {StorageError} when the queue cannot be read
   */
  static open(options: NotifierOptions = {}): Promise<Notifier> {
    const real = denoRuntime();
    try {
      return Promise.resolve(new Notifier(options, real));
    } catch (error) {
      real[Symbol.dispose]();
      return Promise.reject(error);
    }
  }

  /**
   * Sends a notification where the rules say, to every channel where none does, or to those that the options name. When this resolves, each envelope is
   * delivered or on disk, but for those whose outcome says `refused`.
   *
   * @returns one outcome an envelope, a fallback that waits among them; where a rule lets nothing go out, one that says `muted` for each that there would have been
   * @throws {InvalidNotificationError} when the input cannot be sent
   * @throws {ConfigError} when no channel is configured
   * @throws {StorageError} when neither the disk took it nor one try without the queue delivered anything: then nothing of it is queued
   */
  async notify(input: NotificationInput, options: NotifyOptions = {}): Promise<Outcome[]> {
    const plan = this.plan(input, options);
    checkId(options.id);
    if (plan.mutedBy !== undefined) return mutedOutcomes(plan.mutedBy, this.#routing, this.#runtime);
    if (!input.attachments?.length) return await this.#send(plan, options);
    const { stageAttachments } = await import("./staged_attachments.ts");
    using taken = await stageAttachments(input.attachments, this.#queue);
    return await this.#send(taken.addTo(plan, this.#byName), options, taken);
  }

  async #send(plan: Plan, options: NotifyOptions, taken?: StagedAttachments): Promise<Outcome[]> {
    const { waitMs = DEFAULT_NOTIFY_WAIT_MS, signal } = options;
    const deadline = this.#runtime.now() + waitMs;
    signal?.throwIfAborted();
    let isDeliverer, enqueued;
    try {
      this.#queue.prepare();
      isDeliverer = waitMs > 0 && this.#queue.deliverLock.tryAcquire();
      enqueued = await this.#enqueue(enqueueRequests(plan, options.id), isDeliverer);
    } catch (error) {
      // What its caller will send again by its own name must not be sent where nobody remembers that name.
      if (!(error instanceof StorageError) || options.id !== undefined) throw error;
      const how = { runtime: this.#runtime, shortcodes: this.#shortcodes, waitMs, signal, warn: this.#warn };
      return await sendWithoutQueue(plan, this.#byName, { ...how, problem: error });
    }
    const { entries, problem } = enqueued;
    taken?.commit(entries);
    if (problem) return this.#aside(entries, problem, isDeliverer);
    const mine = entries.filter(({ fallbackFor }) => fallbackFor === undefined).map(({ id }) => id);
    await this.#deliver({ deadline, patienceMs: 0, mine, signal, isDeliverer });
    return this.#conclude(entries);
  }

  /**
   * What {@linkcode Notifier.notify} would put into the queue: checked and routed, and nothing else. Its files are not looked at.
   *
   * @throws what `notify` throws for bad input
   */
  plan(input: NotificationInput, options: RouteOptions = {}): Plan {
    const notification = createNotification(input, this.#runtime.now());
    return route(notification, { ...this.#routing, openIncidents: this.#toldOf(notification) }, options);
  }

  /** Whether what a notification is about was told, or waits to be, where it would go, and not yet that it is over. */
  hasOpenIncident(input: NotificationInput, options: RouteOptions = {}): boolean {
    if (input.key === undefined) return false;
    this.#queue.refresh();
    const resolving = { ...input, resolves: true };
    const told = new Set(this.#toldOf(createNotification(resolving, this.#runtime.now())).map(laneKey));
    return this.plan(resolving, options).envelopes.some((envelope) => told.has(laneKey(envelope)));
  }

  /**
   * Tries everything now, whatever our own backoff says, and goes on until the queue is empty or what is left must wait longer.
   *
   * @returns an outcome for each entry that was, or is, in the queue
   */
  async flush(options: FlushOptions = {}): Promise<Outcome[]> {
    if (!this.#queue.exists()) return [];
    await this.#queue.seal();
    const isDeliverer = this.#queue.deliverLock.tryAcquire();
    const before = await this.#prepare(isDeliverer, async () => {
      const live = expandBatches(this.#queue.state.liveEntries());
      this.#queue.state.watch(live.map(({ id }) => id));
      if (live.length > 0) await this.#queue.requestFlush();
      return live;
    });
    await this.#deliver({ patienceMs: options.waitMs ?? DEFAULT_FLUSH_WAIT_MS, signal: options.signal, isDeliverer });
    const known = new Set(before.map((entry) => entry.id));
    const live = expandBatches(this.#queue.state.liveEntries());
    return this.#conclude([...before, ...live.filter((entry) => !known.has(entry.id))]);
  }

  /**
   * Delivers until the queue is empty, however long that takes; while another process delivers, waits for its turn. Ends early when a flush is asked for while
   * an account is in trouble: whoever asks may know its new token.
   *
   * @param onStart hears when this process begins to deliver
   * @returns `second` when another process does this already
   * @throws the signal's reason, when that ended it
   * @internal
   */
  async deliverAll(signal: AbortSignal, onStart: () => void): Promise<BackgroundEnd> {
    this.#queue.prepare();
    return await deliverUntilEmpty(this.#queue, this.#courier, {
      runtime: this.#runtime,
      signal,
      onStart,
      deliver: () => this.#deliver({ patienceMs: Infinity, handsOver: true, signal, isDeliverer: true }),
    });
  }

  /**
   * Whether there is a queue in the state directory: the first notification makes it.
   *
   * @throws {StorageError} when that cannot be told
   */
  hasQueue(): boolean {
    return this.#queue.exists();
  }

  /** The queue in numbers. */
  status(): Status {
    this.#queue.refresh();
    return statusOf(this.#queue, this.#reporter, this.#runtime.now());
  }

  /** What is in the queue, the dead included, in the order of arrival; a digest stands for its members. */
  entries(): QueuedEntry[] {
    this.#queue.refresh();
    return this.#reporter.entries();
  }

  /**
   * Makes entries due now, the dead ones too, with a new expiry of 14 days, and tries them. They do not wait for quiet hours or a pace. A member of a digest
   * goes with all of it.
   *
   * @param ids of entries in the queue; others are passed over
   */
  async retry(ids: readonly string[], options: Pick<NotifyOptions, "waitMs" | "signal"> = {}): Promise<Outcome[]> {
    const { waitMs = DEFAULT_NOTIFY_WAIT_MS, signal } = options;
    const entries = this.#known(ids);
    if (entries.length === 0) return [];
    const deadline = this.#runtime.now() + waitMs;
    const all = expandBatches(entries);
    this.#queue.state.watch(all.map(({ id }) => id));
    await this.#queue.retry(entries, DEFAULT_TTL_MS);
    await this.#deliver({ deadline, patienceMs: 0, mine: all.map(({ id }) => id), signal, isDeliverer: false });
    return this.#conclude(all);
  }

  /**
   * Removes entries for good, a digest with all of its members.
   *
   * @param ids of entries in the queue; others are passed over
   */
  async drop(ids: readonly string[]): Promise<void> {
    await this.#queue.drop(this.#known(ids));
  }

  /** Lets go of everything that is open. What is queued stays queued. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#queue.deliverLock.release();
    this.#queue.backgroundLock.release();
    this.#ownRuntime[Symbol.dispose]();
    return Promise.resolve();
  }

  /** Where what a notification resolves was told, as far as was read. */
  #toldOf({ key, resolves, time }: Notification): readonly Lane[] {
    return resolves && key !== undefined ? this.#queue.state.openIncidentLanes(key, time) : [];
  }

  /** Who delivers announces the first attempts in the same write, as far as nothing older is before them. */
  #enqueue(drafts: readonly EnqueueRequest[], isDeliverer: boolean): Promise<Enqueued> {
    return this.#prepare(isDeliverer, async (problem) => {
      const leaving = drafts.filter((draft) => isDeliverer && !problem && this.#courier.isIdleFor(draft));
      const channels = new Set(leaving.map(({ channel }) => channel));
      const enqueued = await this.#queue.enqueue(drafts, ({ channel }) => channels.has(channel));
      this.#courier.adopt(enqueued.entries);
      const warning = fullnessWarning(this.#queue.bytes);
      if (warning) this.#warn(warning);
      return enqueued;
    });
  }

  #prepare<Result>(isDeliverer: boolean, work: (problem?: StorageError) => Promise<Result>): Promise<Result> {
    return prepareDelivery(this.#queue, { isDeliverer, warn: this.#warn }, work);
  }

  /** They are on disk, but the journal cannot be had; whoever delivers next has them. */
  #aside(entries: readonly Entry[], problem: StorageError, isDeliverer: boolean): Outcome[] {
    if (isDeliverer) this.#queue.deliverLock.release();
    this.#leaveBehind();
    const reason = `It is on the disk, but cannot be tried now: ${problem.message}`;
    return entries.map(({ id, channel, destination }) => ({ id, channel, destination, state: "queued", reason }));
  }

  async #deliver(options: RunOptions & { readonly isDeliverer: boolean }): Promise<StorageError | undefined> {
    const problem = await deliverOrWatch(this.#queue, this.#courier, { ...options, runtime: this.#runtime });
    if (problem) this.#warn(problem.message);
    return problem;
  }

  /** Says what became of entries, and sees to what is left. */
  #conclude(entries: readonly Entry[]): Outcome[] {
    const outcomes = this.#reporter.outcomes(entries);
    this.#queue.state.unwatch(entries.map((entry) => entry.id));
    if (this.#courier.hasWork()) this.#leaveBehind();
    this.#queue.keepReserve();
    return outcomes;
  }

  #known(ids: readonly string[]): Entry[] {
    this.#queue.refresh();
    return ids.map((id) => this.#queue.state.entry(id)).filter((entry) => entry !== undefined);
  }
}
