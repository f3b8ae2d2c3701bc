/**
 * The internal notifier. The public class `Notifier` wraps this class; the command line and the
 * background deliverer use it directly.
 *
 * ```text
 * notify:   plan (planner.ts) -> queue.enqueue (now it is on disk) -> deliver -> outcomes
 * deliver:  the process with deliver.lock runs the courier; all other processes watch the journal
 * then:     if entries are left and no background deliverer runs yet, start one
 * ```
 *
 * @module
 */

import { type ConfigError, StorageError, toPermissionError } from "../base/errors.ts";
import type { Channel, Envelope } from "../channels/channel.ts";
import type { ServeSettings } from "../config/serve.ts";
import { type DeliverOptions, deliverOrWatch, prepareDelivery } from "../delivery/deliver_or_watch.ts";
import { DEFAULT_TTL_MS, type NotificationInput } from "../notification/notification.ts";
import { type Entry, expandBatches } from "../queue/entry.ts";
import { fullnessWarning } from "../queue/limits.ts";
import type { FlushReach } from "../queue/record.ts";
import type { Enqueued } from "../queue/enqueue.ts";
import type { Queue } from "../queue/queue.ts";
import type { Plan } from "../routing/route.ts";
import { ignoreStorageErrors } from "../runtime/file_errors.ts";
import type { HeldLock } from "../runtime/file_lock.ts";
import { denoRuntime } from "../runtime/runtime.ts";
import { DEFAULT_FLUSH_WAIT_MS, DEFAULT_NOTIFY_WAIT_MS } from "./options.ts";
import type { FlushOptions, NotifyOptions } from "./options.ts";
import { mutedOutcomes, type Outcome, type QueuedEntry } from "./outcomes.ts";
import { cutToQueue, findChannelsThatCut, type FullTextInput, isTooLongToQueue, toFullTextFile } from "./full_text.ts";
import type { Overview } from "./overview.ts";
import type { BackgroundEnd, BackgroundOptions, LoopParts, ServeDelivery } from "./background/loops.ts";
import type { Access } from "./background/permissions.ts";
import { idOfCaller, toEnqueueRequests } from "./enqueue_requests.ts";
import { Planner, type PlanOptions } from "./planner.ts";
import { sendWithoutQueue, withoutAttachments } from "./send_without_queue.ts";
import type { StagedAttachments } from "./staged_attachments.ts";
import { computeStatus, type Status } from "./status.ts";
import { allChannels } from "./undecided.ts";
import { type CoreOptions, type NotifierParts, wireParts } from "./wiring.ts";

/** Options of {@linkcode NotifierCore.notify}. */
export interface CoreNotifyOptions extends NotifyOptions {
  /**
   * An abort signal that ends the wait for a delivery. The call then returns the outcomes so far.
   * The current attempt is cancelled only if `signal` aborts too.
   */
  readonly leave?: AbortSignal;
  /**
   * Called when the notification and its files are on disk, before the wait for a delivery. After
   * this call, the bytes of the input are not needed. Not called if the queue cannot be used.
   */
  readonly onStored?: () => void;
  /**
   * The name of the sender, such as `socket nut`, if another user or host sends. Each sender has
   * its own idempotency keys and incident keys. Therefore a sender cannot resolve the incidents of
   * other senders.
   *
   * @default this user
   */
  readonly sender?: string;
}

/** Options of {@linkcode NotifierCore.flush}. */
export interface CoreFlushOptions extends Pick<FlushOptions, "waitMs" | "signal">, Pick<CoreNotifyOptions, "leave"> {
  /** The kinds of waits that the flush ends early. @default {"backoff"} */
  readonly reach?: FlushReach;
}

/** Sends notifications. Queues each notification that cannot be delivered yet. */
export class NotifierCore implements AsyncDisposable {
  readonly #parts: NotifierParts;
  readonly #planner: Planner;
  /** Contains the connections, and the runtime if {@linkcode open} created it. */
  readonly #resources: DisposableStack;

  private constructor(parts: NotifierParts, resources: DisposableStack) {
    this.#parts = parts;
    this.#planner = new Planner(parts);
    this.#resources = resources;
  }

  /**
   * Opens a notifier.
   *
   * @throws {ConfigError} if an option has a mistake, such as a channel in `channels`
   * @throws {PermissionError} if Deno denies access to the environment or the configuration
   */
  static async open(options: CoreOptions = {}): Promise<NotifierCore> {
    using resources = new DisposableStack();
    try {
      const closed = new AbortController();
      const parts = await wireParts(options, options.runtime ?? resources.use(denoRuntime()), closed.signal);
      resources.defer(() => closed.abort());
      return new NotifierCore(parts, resources.move());
    } catch (error) {
      throw toPermissionError("open the notifier", error);
    }
  }

  /** The mistakes in the configuration. The channels and rules without a mistake are used. */
  get problems(): readonly ConfigError[] {
    return this.#parts.problems;
  }

  /**
   * True if this user can send only through `serve`: no channel is configured, the configuration
   * cannot be read, or the queue belongs to another user.
   */
  get needsServer(): boolean {
    const { mistakes: { failure }, channels, problems, noPlace } = this.#parts;
    if (noPlace?.code === "untrusted" || noPlace?.code === "permission-denied") return true;
    if (channels.size > 0) return false;
    return problems.length === 0 || failure?.cause instanceof Deno.errors.PermissionDenied;
  }

  /** The settings of `serve`. Undefined if they are absent or have a mistake. */
  get serveSettings(): ServeSettings | undefined {
    return this.#parts.serve;
  }

  /**
   * The channels of the configuration. The destinations of a channel with a mistake are unknown.
   */
  get channels(): readonly Pick<Channel, "name" | "kind" | "destinations">[] {
    return allChannels(this.#parts.mistakes, this.#parts.routing.channels);
  }

  /** The directory of the queue. */
  get stateDir(): string {
    return this.#parts.stateDir;
  }

  /** Finds the hosts, files and programs that the configuration needs now. */
  findAccess(): Promise<Access> {
    return this.#parts.access();
  }

  /** See {@linkcode NotifierParts.preview}. */
  preview(envelope: Pick<Envelope, "channel" | "notification">): string {
    return this.#parts.preview(envelope);
  }

  /** See {@linkcode NotifierParts.formatDestination}. */
  formatDestination(destination: string): string {
    return this.#parts.formatDestination(destination);
  }

  /** See `Notifier.notify()`. */
  async notify(input: NotificationInput, given: CoreNotifyOptions = {}): Promise<Outcome[]> {
    const { queue, channels, routing, runtime, noPlace } = this.#parts;
    const warn = this.#warnAbout(given);
    const options = { ...given, id: idOfCaller(given) };
    if (given.id !== undefined && options.id === undefined) warn("The id is empty: repeated calls send new messages");
    const plan = this.#planner.plan(noPlace ? withoutAttachments(input, noPlace) : input, options, warn);
    // Entries that were queued with a wrong configuration may get their destinations now. If this
    // fails, the entries wait for the next call.
    await ignoreStorageErrors(this.#planner.decide());
    if (plan.mutedBy !== undefined) return mutedOutcomes(plan.mutedBy, routing, runtime);
    if (noPlace !== undefined) return await this.#send(plan, options);
    const { attachments = [] } = input;
    const fullText = attachments.length === 0 ? await this.#findFullText(plan) : undefined;
    if (attachments.length === 0 && fullText === undefined) return await this.#send(plan, options);
    const { stageAttachments } = await import("./staged_attachments.ts");
    const findFullText = async (problems: readonly string[]) => fullText ?? await this.#findFullText(plan, problems);
    using staged = await stageAttachments({ attachments, findFullText }, queue, warn);
    const whole = staged.addTo(plan, channels);
    // If the file with the whole message could not be stored, the queue gets a cut message.
    return await this.#send(cutToQueue(whole), options, { staged, whole });
  }

  /** Returns the function that reports warnings about a notification. It names the sender. */
  #warnAbout({ sender }: Pick<CoreNotifyOptions, "sender">): (text: string) => void {
    const { warn } = this.#parts;
    return sender === undefined ? warn : (text) => warn(`${sender}: ${text}`);
  }

  /**
   * Returns the whole message as a file, and the channels that send this file. Returns undefined if
   * the message needs no file.
   *
   * @param problems the problems with attachments, which the message will show
   */
  async #findFullText(plan: Plan, problems?: readonly string[]): Promise<FullTextInput | undefined> {
    const notification = plan.envelopes[0]?.notification;
    if (notification === undefined) return undefined;
    const channels = await findChannelsThatCut(plan, this.#parts.channels, problems);
    if (channels.size === 0 && !isTooLongToQueue(notification)) return undefined;
    return { file: toFullTextFile(notification), channels };
  }

  /**
   * Queues the envelopes of a plan and delivers them.
   *
   * @param staged the stored files of the plan
   * @param whole the plan with uncut messages, which is sent if the queue cannot be used
   */
  async #send(
    plan: Plan,
    options: CoreNotifyOptions,
    { staged, whole = plan }: { readonly staged?: StagedAttachments; readonly whole?: Plan } = {},
  ): Promise<Outcome[]> {
    const { queue, channels, runtime, shortcodes, noPlace } = this.#parts;
    const { waitMs = DEFAULT_NOTIFY_WAIT_MS, signal, leave } = options;
    const deadline = runtime.now() + waitMs;
    if (!leave?.aborted) signal?.throwIfAborted();
    let stored;
    try {
      stored = await this.#store(plan, options);
    } catch (error) {
      // Only the queue remembers idempotency keys. If the notification is sent without the queue,
      // and the caller repeats the call, the notification arrives twice. Therefore a notification
      // with an idempotency key is sent without the queue only if there is no place for a queue.
      if (!(error instanceof StorageError)) throw error;
      const hasPlace = noPlace === undefined && error.code !== "untrusted";
      if (options.id !== undefined && hasPlace) throw error;
      const { files } = this.#parts;
      return await sendWithoutQueue(whole, channels, {
        ...{ runtime, shortcodes, files, waitMs, signal, warn: this.#warnAbout(options), problem: error },
      });
    }
    const { entries, problem } = stored;
    using _watch = stored.watch;
    using lock = stored.lock;
    staged?.commit(entries);
    options.onStored?.();
    if (problem) {
      lock?.release();
      return await this.#reportSpooled(entries, problem);
    }
    const mine = entries.filter(({ fallbackFor }) => fallbackFor === undefined).map(({ id }) => id);
    const patienceMs = options.untilDelivered ? waitMs : 0;
    // If `waitMs` is 0, there is no time for an attempt. The only possible work is then to compact
    // the journal.
    if (waitMs > 0 || queue.isWorthCompacting()) {
      await this.#deliver({ deadline, patienceMs, mine, signal, leave, lock }).catch((error) => {
        if (!leave?.aborted || error !== signal?.reason) throw error;
      });
    }
    return await this.#conclude(entries);
  }

  /**
   * Writes a plan to the queue. Also acquires `deliver.lock`, if it is free and there is time for an
   * attempt. In this case, the same write also records the start of the first attempts. No start is
   * recorded for a channel that cannot send at once.
   */
  async #store(plan: Plan, options: CoreNotifyOptions): Promise<Enqueued & { readonly lock?: HeldLock }> {
    const { queue, courier, warn } = this.#parts;
    const { waitMs = DEFAULT_NOTIFY_WAIT_MS, leave } = options;
    queue.prepare();
    using acquired = new DisposableStack();
    const lock = waitMs > 0 && !leave?.aborted ? acquired.use(queue.deliverLock.tryAcquire()) : undefined;
    const requests = toEnqueueRequests(plan, options);
    // The new records of other processes are needed only to deliver, and to find a used idempotency
    // key.
    const needsState = lock !== undefined || requests.some(({ idempotencyKey }) => idempotencyKey !== undefined);
    // The `await` is never skipped: calls that start together, such as the alerts of one request,
    // then reach the queue in their order.
    const problem = await (needsState ? this.#prepare(lock) : undefined);
    const leaving = requests.filter((request) => lock && !problem && courier.isIdleFor(request));
    const names = new Set(leaving.map(({ channel }) => channel));
    const enqueued = await queue.enqueue(requests, ({ channel }) => names.has(channel));
    acquired.use(enqueued.watch);
    courier.adopt(enqueued.entries);
    const warning = fullnessWarning(queue.bytes);
    if (warning) warn(warning);
    acquired.move();
    return { ...enqueued, lock };
  }

  /**
   * Returns the outcomes of entries in the spool. Entries are stored in the spool while the journal
   * cannot be written.
   */
  async #reportSpooled(entries: readonly Entry[], problem: StorageError): Promise<Outcome[]> {
    await this.#parts.handOver();
    const reason = `The notification is on disk, but cannot be sent now: ${problem.message}`;
    return entries.map(({ id, channel, destination }) => ({ id, channel, destination, state: "queued", reason }));
  }

  /** See {@linkcode Planner.plan}. */
  plan(input: NotificationInput, options: PlanOptions = {}, warn?: (text: string) => void): Plan {
    return this.#planner.plan(input, options, warn);
  }

  /** See {@linkcode Planner.hasOpenIncident}. */
  hasOpenIncident(input: NotificationInput, options: PlanOptions = {}): boolean {
    return this.#planner.hasOpenIncident(input, options);
  }

  /** See `late_parts.ts`. */
  async loadLateParts(): Promise<void> {
    const { loadLateParts } = await import("./late_parts.ts");
    await loadLateParts([...this.#parts.channels.values()].map(({ kind }) => kind));
  }

  /** See `Notifier.flush()`. */
  async flush({ waitMs = DEFAULT_FLUSH_WAIT_MS, reach, signal, leave }: CoreFlushOptions = {}): Promise<Outcome[]> {
    const queue = this.#requireQueue();
    if (!queue.exists()) return [];
    await queue.seal();
    await this.#planner.decide();
    using lock = queue.deliverLock.tryAcquire();
    await this.#prepare(lock);
    const before = expandBatches(queue.state.liveEntries());
    using _ = queue.state.watch(before.map(({ id }) => id));
    if (before.length > 0) await queue.requestFlush(reach);
    await this.#deliver({ patienceMs: waitMs, signal, leave, lock });
    const known = new Set(before.map((entry) => entry.id));
    const live = expandBatches(queue.state.liveEntries());
    return await this.#conclude([...before, ...live.filter((entry) => !known.has(entry.id))]);
  }

  /** See `background/loops.ts`. Only the background deliverer calls this function. */
  async deliverUntilEmpty(signal: AbortSignal, options: BackgroundOptions = {}): Promise<BackgroundEnd> {
    const { deliverUntilEmpty } = await import("./background/loops.ts");
    return await deliverUntilEmpty(this.#loopParts(), signal, options);
  }

  /** See `background/loops.ts`. Only `serve` calls this function. */
  async deliverUntilStopped(options: ServeDelivery): Promise<void> {
    const { deliverUntilStopped } = await import("./background/loops.ts");
    await deliverUntilStopped(this.#loopParts(), options);
  }

  #loopParts(): LoopParts {
    const { courier, runtime } = this.#parts;
    const queue = this.#requireQueue();
    return {
      courier,
      runtime,
      queue,
      decide: () => this.#planner.decide(),
      deliver: (options) => this.#deliver(options),
    };
  }

  /**
   * Returns true if the state directory contains a queue. The first notification creates the queue.
   *
   * @throws {StorageError} if the directory cannot be read
   */
  hasQueue(): boolean {
    return this.#requireQueue().exists();
  }

  /** See `Notifier.status()`. */
  status(): Status {
    const { reporter, runtime } = this.#parts;
    const queue = this.#requireQueue();
    queue.refresh();
    return computeStatus(queue, reporter, runtime.now());
  }

  /** The number of entries whose results calls wait for. */
  get watchedCount(): number {
    return this.#parts.queue.state.watchedCount;
  }

  /** Summarizes the queue for the status page; see `overview.ts`. */
  async overview(): Promise<Overview> {
    const { computeOverview } = await import("./overview.ts");
    this.#requireQueue().refresh();
    return computeOverview(this.#parts);
  }

  /** See `Notifier.entries()`. */
  entries(): QueuedEntry[] {
    this.#requireQueue().refresh();
    return this.#parts.reporter.describe();
  }

  /** See `Notifier.retry()`. */
  async retry(
    ids: readonly string[],
    options: Pick<CoreNotifyOptions, "waitMs" | "signal" | "leave"> = {},
  ): Promise<Outcome[]> {
    const { runtime } = this.#parts;
    const queue = this.#requireQueue();
    const { waitMs = DEFAULT_NOTIFY_WAIT_MS, signal, leave } = options;
    queue.refresh();
    const decided = await this.#planner.decide();
    const entries = [...this.#findEntries(ids), ...ids.flatMap((id) => decided.get(id) ?? [])];
    if (entries.length === 0) return [];
    const deadline = runtime.now() + waitMs;
    const all = expandBatches(entries);
    using _ = queue.state.watch(all.map(({ id }) => id));
    await queue.retry(entries, DEFAULT_TTL_MS);
    await this.#deliver({ deadline, patienceMs: 0, mine: all.map(({ id }) => id), signal, leave });
    return await this.#conclude(all);
  }

  /** See `Notifier.drop()`. */
  async drop(ids: readonly string[]): Promise<void> {
    await this.#requireQueue().drop(this.#findEntries(ids));
  }

  /** @throws {StorageError} if there is no place for a queue */
  #requireQueue(): Queue {
    const { queue, noPlace } = this.#parts;
    if (noPlace !== undefined) throw noPlace;
    return queue;
  }

  /** Releases locks and connections. Queued entries stay in the queue. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#parts.queue[Symbol.dispose]();
    this.#resources.dispose();
    return Promise.resolve();
  }

  #prepare(lock: HeldLock | undefined): Promise<StorageError | undefined> {
    const { queue, warn } = this.#parts;
    return prepareDelivery(queue, { lock, warn });
  }

  async #deliver(options: Omit<DeliverOptions, "runtime">): Promise<StorageError | undefined> {
    const { queue, courier, runtime, warn } = this.#parts;
    const problem = await deliverOrWatch(queue, courier, { ...options, runtime });
    if (problem) warn(problem.message);
    return problem;
  }

  /**
   * Returns the outcomes of entries. If the queue still has entries, hands over the queue to the
   * next deliverer.
   */
  async #conclude(entries: readonly Entry[]): Promise<Outcome[]> {
    const { queue, courier, reporter } = this.#parts;
    const outcomes = reporter.outcomes(entries);
    if (courier.hasWork()) await this.#parts.handOver();
    queue.keepReserve();
    return outcomes;
  }

  #findEntries(ids: readonly string[]): Entry[] {
    const { queue } = this.#parts;
    queue.refresh();
    return ids.map((id) => queue.state.entry(id)).filter((entry) => entry !== undefined);
  }
}
