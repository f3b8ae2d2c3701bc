/**
 * The courier: takes entries where they are due, tries each once, and writes down what became of it. Here is the only `catch` of the send path.
 *
 * ```text
 * run: refresh -> bury what expired, compact -> serve each channel that has a head due -> wait for the next one -> again
 * serve one channel, one request in flight: announce (durable) -> channel.send -> settle
 *   delivered, dead   the next in line
 *   failed            what was announced behind it is withdrawn; its wait decides when the channel is served again
 * ```
 *
 * The holder of `deliver.lock` runs it, nobody else.
 *
 * @module
 */

import type { Channel, Envelope } from "../channels/channel.ts";
import { formatDuration } from "../duration.ts";
import { QueueError } from "../errors.ts";
import { type Entry, laneOf } from "../queue/entry.ts";
import type { AttemptResult, Queue } from "../queue/queue.ts";
import type { Runtime } from "../runtime.ts";
import { classify } from "./classify.ts";
import { type Head, heads, nextOf, type NextOptions } from "./lanes.ts";
import { planFailure } from "./plan.ts";

/** What the courier needs of the runtime. */
export type CourierRuntime = Pick<Runtime, "now" | "sleep" | "random">;

/** The limit of one request. */
export const REQUEST_TIMEOUT_MS = 60_000;

/** No request gets less than this, however little of a caller's patience is left. */
const MIN_TIMEOUT_MS = 1_000;

/** Attempts that one synced write announces at most: a sync for each would halve the speed. */
const MAX_ANNOUNCED = 32;

/** Whoever waited longer says since when. */
const LATE_AFTER_MS = 60_000;

/** How often a waiting courier looks for entries of other processes. */
const POLL_MS = 250;

/** When a run ends. */
export interface RunOptions {
  /** No attempt starts after this moment, milliseconds since 1970. @default never */
  readonly deadline?: number;
  /** The run ends when nothing is due within this time. */
  readonly patienceMs: number;
  /** The run ends as soon as none of these entries can leave now; others go on only while these do. */
  readonly mine?: readonly string[];
  readonly signal?: AbortSignal;
}

/** Something that happened, for whoever keeps a log. */
export type CourierEvent = { readonly entry: Entry; readonly result: AttemptResult };

/** Delivers what is in a queue through channels. */
export class Courier {
  readonly #queue: Queue;
  readonly #channels: ReadonlyMap<string, Channel>;
  readonly #runtime: CourierRuntime;
  readonly #onEvent: (event: CourierEvent) => void;
  /** Announced by this process, and not yet settled. */
  readonly #announced = new Set<string>();
  /** Tried in vain; the next process tries again. */
  #cannotCompact = false;

  constructor(
    queue: Queue,
    channels: ReadonlyMap<string, Channel>,
    runtime: CourierRuntime,
    onEvent: (event: CourierEvent) => void = () => {},
  ) {
    this.#queue = queue;
    this.#channels = channels;
    this.#runtime = runtime;
    this.#onEvent = onEvent;
  }

  /** Takes over entries whose first attempt was announced as they came in. */
  adopt(entries: readonly Entry[]): void {
    for (const entry of entries) if (entry.open) this.#announced.add(entry.id);
  }

  /** Whether an envelope of this channel that comes in now would leave at once: nothing older is before it. */
  isIdle(channel: string): boolean {
    return this.#queue.channel(channel).wait === undefined &&
      !this.#queue.live().some((entry) => entry.channel === channel);
  }

  /** When the lane of an entry may go on; undefined when it is settled. */
  readyAt(id: string): number | undefined {
    const entry = this.#queue.entry(id);
    if (entry === undefined || entry.dead) return undefined;
    const lane = laneOf(entry);
    return this.#heads().find((head) => laneOf(head.entry) === lane)?.ready;
  }

  /**
   * Delivers until its options say that it is over.
   *
   * @throws the reason of the signal, when that ended it
   * @throws {QueueError} when the queue takes nothing any more
   */
  async run(options: RunOptions): Promise<void> {
    const run: Run = { ...options, busy: new Map() };
    await this.#queue.seal();
    for (;;) {
      this.#queue.refresh();
      await this.#buryExpired();
      await this.#compact();
      this.#start(run);
      if (run.busy.size === 0 && (run.failure || this.isOver(run))) break;
      await this.#pause(run);
    }
    if (run.failure) throw run.failure.error;
    run.signal?.throwIfAborted();
  }

  /** Whether nothing is left to do now, as a run with these options sees it. */
  isOver(options: RunOptions): boolean {
    const now = this.#runtime.now();
    if (options.signal?.aborted || now >= (options.deadline ?? Infinity)) return true;
    if (options.mine) return options.mine.every((id) => (this.readyAt(id) ?? Infinity) > now);
    return this.#heads().every((head) => head.ready - now > options.patienceMs);
  }

  /** Gives each channel with a head that is due somebody who serves it. */
  #start(run: Run): void {
    const now = this.#runtime.now();
    if (run.failure || this.#isUp(run)) return;
    for (const { entry: { channel }, ready } of this.#heads()) {
      if (ready > now || run.busy.has(channel)) continue;
      const served = this.#serve(channel, run).catch((error) => run.failure ??= { error });
      run.busy.set(channel, served.finally(() => run.busy.delete(channel)));
    }
  }

  /**
   * Waits until somebody is served, a head is due, or it is time to look for entries of other processes. Where only the answer to a request can
   * bring news there is no timer: the first one costs a program 15 ms.
   */
  async #pause(run: Run): Promise<void> {
    const now = this.#runtime.now();
    const isBusy = run.busy.size > 0;
    const next = Math.min(...this.#heads().map((head) => head.ready).filter((ready) => ready > now)) - now;
    const poll = isBusy && run.mine ? Infinity : POLL_MS;
    const left = isBusy ? Infinity : (run.deadline ?? Infinity) - now;
    const napMs = Math.min(poll, next, left);
    if (napMs === Infinity) return void await Promise.race(run.busy.values());
    const waking = new AbortController();
    const wake = run.signal ? AbortSignal.any([run.signal, waking.signal]) : waking.signal;
    await Promise.race([this.#runtime.sleep(napMs, wake), ...run.busy.values()]);
    waking.abort();
  }

  /** Sends what is due of one channel, one request at a time; batches grow while everything goes well. */
  async #serve(channel: string, run: Run): Promise<void> {
    for (let size = 1;; size = Math.min(2 * size, MAX_ANNOUNCED)) {
      if (this.#isUp(run)) return;
      const batch = await this.#announce(
        nextOf(this.#queue, this.#next(channel, size)),
      );
      if (batch.length === 0) return;
      const left = await this.#sendInOrder(batch, run);
      for (const entry of left) this.#announced.delete(entry.id);
      if (left.length > 0) return await this.#queue.withdraw(left);
      if (batch.some((entry) => this.#queue.entry(entry.id)?.wait)) return;
    }
  }

  /** @returns those that did not leave, because one before them failed or time was up */
  async #sendInOrder(batch: readonly Entry[], run: Run): Promise<readonly Entry[]> {
    for (const [at, entry] of batch.entries()) {
      if (this.#isUp(run)) return batch.slice(at);
      const current = this.#queue.entry(entry.id);
      if (current === undefined || current.dead) continue;
      const result = await this.#try(entry, run);
      this.#announced.delete(entry.id);
      await this.#queue.settle(entry, result);
      this.#onEvent({ entry, result });
      if (result.state === "failed") return batch.slice(at + 1);
    }
    return [];
  }

  async #try(entry: Entry, run: Run): Promise<AttemptResult> {
    const now = this.#runtime.now();
    const channel = this.#channels.get(entry.channel);
    if (channel === undefined) {
      return planFailure(
        { class: "account", reason: `Channel "${entry.channel}" is not configured` },
        this.#context(entry),
      );
    }
    const timeLeft = Math.max(MIN_TIMEOUT_MS, (run.deadline ?? Infinity) - now);
    try {
      const receipt = await channel.send(envelopeOf(entry), {
        txnId: entry.id,
        doubt: entry.doubt,
        late: entry.attempts > 1 || now - entry.time > LATE_AFTER_MS,
        timeoutMs: Math.min(REQUEST_TIMEOUT_MS, timeLeft),
        signal: run.signal,
      });
      const { id, via = "put", mayBeTwice } = receipt;
      return { state: "delivered", receipt: id, via, ...(mayBeTwice ? { risk: true } : {}) };
    } catch (error) {
      if (run.signal?.aborted) throw error;
      return planFailure(classify(error), this.#context(entry));
    }
  }

  /** Announces those that nobody announced yet. */
  async #announce(entries: readonly Entry[]): Promise<readonly Entry[]> {
    const fresh = entries.filter((entry) => !this.#announced.has(entry.id));
    if (fresh.length === 0) return entries;
    const announced = await this.#queue.announce(fresh);
    for (const { id } of announced) this.#announced.add(id);
    return entries.map((entry) => this.#queue.entry(entry.id) ?? entry);
  }

  async #buryExpired(): Promise<void> {
    const now = this.#runtime.now();
    for (const entry of this.#queue.live()) {
      if (entry.expires > now || this.#announced.has(entry.id)) continue;
      const waited = formatDuration(now - entry.time);
      const why = entry.wait ? `; last: ${entry.wait.reason}` : "";
      const result = { state: "dead", reason: `Expired after ${waited}${why}` } as const;
      await this.#queue.settle(entry, result);
      this.#onEvent({ entry, result });
    }
  }

  /** A journal that cannot be made shorter is a journal still. */
  async #compact(): Promise<void> {
    if (this.#cannotCompact) return;
    try {
      await this.#queue.compact();
    } catch (error) {
      if (!(error instanceof QueueError)) throw error;
      this.#cannotCompact = true;
    }
  }

  #isUp(run: Run): boolean {
    return run.signal?.aborted === true || this.#runtime.now() >= (run.deadline ?? Infinity);
  }

  #context(entry: Entry): Parameters<typeof planFailure>[1] {
    const { failures } = this.#queue.channel(entry.channel);
    return { now: this.#runtime.now(), failures, random: this.#runtime.random() };
  }

  #next(channel: string, limit: number): NextOptions {
    return { channel, limit, now: this.#runtime.now(), isUnderWay: this.#isUnderWay };
  }

  #heads(): Head[] {
    return heads(this.#queue, this.#isUnderWay);
  }

  /** Whoever does not hold `deliver.lock` may rely on its holder: an open attempt is his. */
  readonly #isUnderWay = ({ id }: Entry): boolean => this.#announced.has(id) || !this.#queue.deliverLock.held;
}

interface Run extends RunOptions {
  /** Channels that are being served. */
  readonly busy: Map<string, Promise<unknown>>;
  /** What ended the run: the signal's reason, or a queue that takes nothing. */
  failure?: { readonly error: unknown };
}

/** The queue keeps notifications as opaque JSON; what it gives back is what routing gave it. */
function envelopeOf(entry: Entry): Envelope {
  return {
    channel: entry.channel,
    destination: entry.destination,
    notification: entry.notification as Envelope["notification"],
  };
}
