/**
 * The courier: takes entries where they are due, tries each once, and writes down what became of it.
 *
 * ```text
 * run: refresh, take in -> bury what expired, compact, sweep -> serve each channel that has a head due -> wait for the next one -> again
 * serve one channel, one request in flight: announce (durable) -> attempt -> settle
 *   delivered, dead   the next in line
 *   failed            what was announced behind it is withdrawn; its wait decides when the channel is served again
 * ```
 *
 * One run at a time: the holder of `deliver.lock` runs it, nobody else.
 *
 * @module
 */

import type { Channel } from "../channels/channel.ts";
import { type Entry, laneKey } from "../queue/entry.ts";
import type { Queue } from "../queue/queue.ts";
import type { AttemptResult } from "../queue/queue_types.ts";
import { ignoreStorageErrors } from "../runtime/file_errors.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { attempt } from "./attempt.ts";
import { planBatches } from "./batching.ts";
import { RESET_GAP_MS } from "./classify.ts";
import { moveExpired } from "./expiry.ts";
import { type Delays, delaysAt, type DelaySubject, type Policies } from "./delays.ts";
import type { CourierEvent, CourierOptions, Run, RunEnd, RunOptions } from "./run_types.ts";
import { type Head, heads, type LaneContext, nextOf } from "./schedule.ts";
import { Housekeeping } from "./housekeeping.ts";

/** What the courier needs of the runtime. */
export type CourierRuntime = Pick<Runtime, "now" | "sleep" | "random">;

/** The limit of one request. */
export const REQUEST_TIMEOUT_MS = 60_000;

/** No request gets less than this, however little of a caller's patience is left. */
const MIN_TIMEOUT_MS = 1_000;

/** Attempts that one synced write announces at most: a sync for each would halve the speed. */
const MAX_ANNOUNCED = 32;

/** How often a waiting courier looks for entries of other processes. */
const POLL_MS = 250;

/** Delivers what is in a queue through channels. */
export class Courier {
  readonly #queue: Queue;
  readonly #channels: ReadonlyMap<string, Channel>;
  readonly #runtime: CourierRuntime;
  readonly #onEvent: (event: CourierEvent) => void;
  readonly #policies: Policies;
  readonly #shortcodes: boolean;
  /** Announced by this courier, and not left yet. */
  readonly #announced = new Set<string>();
  /** Left, and not answered yet. */
  readonly #underWay = new Set<string>();
  readonly #upkeep: Housekeeping;

  constructor(
    queue: Queue,
    channels: ReadonlyMap<string, Channel>,
    runtime: CourierRuntime,
    { onEvent = () => {}, policies = new Map(), shortcodes = false }: CourierOptions = {},
  ) {
    this.#queue = queue;
    this.#channels = channels;
    this.#runtime = runtime;
    this.#onEvent = onEvent;
    this.#policies = policies;
    this.#shortcodes = shortcodes;
    this.#upkeep = new Housekeeping(queue);
  }

  /** Takes over entries whose first attempt was announced as they came in. */
  adopt(entries: readonly Entry[]): void {
    for (const entry of entries) if (entry.inFlight) this.#announced.add(entry.id);
  }

  /** Whether an envelope that comes in now would leave at once: nothing older is before it, and nobody wants it to wait. */
  isIdleFor(draft: DelaySubject): boolean {
    const delays = this.holds();
    return this.#queue.state.channelState(draft.channel).wait === undefined && delays.of(draft) === undefined &&
      !this.#queue.state.liveEntries().some((entry) =>
        entry.channel === draft.channel && !delays.isPendingFallback(entry)
      );
  }

  /** What waits now because its user wants it so. */
  holds(): Delays {
    return this.#context().delays;
  }

  /** Whether something in the queue can be delivered by the channels that are configured. */
  hasWork(): boolean {
    return this.#queue.state.liveEntries().some(({ channel }) => this.#channels.has(channel));
  }

  /** When entries may leave, as far as is known, by the lane that they are in; 0 for at once. */
  readyTimes(): ReadonlyMap<string, number> {
    return new Map(this.#heads().map(({ entry, ready }) => [laneKey(entry), ready]));
  }

  /**
   * Delivers until its options say that it is over.
   *
   * @throws the reason of the signal, when that ended it
   * @throws {StorageError} when the queue takes nothing any more
   */
  async run(options: RunOptions): Promise<RunEnd> {
    const run: Run = { ...options, busy: new Map(), flushes: this.#queue.state.flushCount };
    try {
      await this.#queue.seal();
      await this.#abandon();
      for (;;) {
        if (!run.failure) await this.#prepare(run);
        this.#start(run);
        if (run.busy.size === 0 && (run.failure || this.isOver(run) || this.#mustHandOver(run))) break;
        await this.#pause(run);
      }
    } finally {
      await this.#withdraw(() => true);
    }
    if (run.failure) throw run.failure.error;
    run.signal?.throwIfAborted();
    return this.#mustHandOver(run) ? "handed-over" : "over";
  }

  /** Whether nothing is left to do now, as a run with these options sees it. */
  isOver(options: RunOptions): boolean {
    const now = this.#runtime.now();
    if (this.#isUp(options)) return true;
    if (options.mine === undefined) return this.#heads().every((head) => head.ready - now > options.patienceMs);
    const ready = this.readyTimes();
    return options.mine.map((id) => this.#queue.state.entry(id)).every((entry) =>
      entry === undefined || entry.dead !== undefined || (ready.get(laneKey(entry)) ?? Infinity) > now
    );
  }

  /** Learns what is there. Where that fails nobody else starts, since something older may be unseen; who is under way comes to an end. */
  async #prepare(run: Run): Promise<void> {
    try {
      this.#queue.refresh();
      await this.#queue.importSpool();
      await this.#buryExpired();
      await this.#upkeep.run();
    } catch (error) {
      run.failure = { error };
    }
  }

  #mustHandOver(run: Run): boolean {
    return run.handsOver === true && run.flushes !== this.#queue.state.flushCount &&
      this.#queue.state.liveEntries().some((entry) => this.#queue.state.entryState(entry) === "held");
  }

  /** Gives each channel with a head that is due somebody who serves it. */
  #start(run: Run): void {
    const now = this.#runtime.now();
    if (run.failure || this.#isUp(run) || this.#mustHandOver(run)) return;
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
    const busy = [...run.busy.values()];
    if (this.#isAborted(run)) return void await Promise.all(busy);
    const { isPendingFallback } = this.holds();
    const awaited = this.#heads().filter(({ entry }) => run.mine === undefined || !isPendingFallback(entry));
    const next = Math.min(...awaited.map((head) => head.ready).filter((ready) => ready > now)) - now;
    const poll = busy.length > 0 && run.mine ? Infinity : POLL_MS;
    const left = busy.length > 0 ? Infinity : (run.deadline ?? Infinity) - now;
    const napMs = Math.min(poll, next, left);
    if (napMs === Infinity) return void await Promise.race(busy);
    const waking = new AbortController();
    const wake = run.signal ? AbortSignal.any([run.signal, waking.signal]) : waking.signal;
    await Promise.race([this.#runtime.sleep(napMs, wake), ...busy]);
    waking.abort();
  }

  /** Sends what is due of one channel, one request at a time; batches grow while everything goes well. */
  async #serve(channel: string, run: Run): Promise<void> {
    for (let limit = 1; !this.#isUp(run); limit = Math.min(2 * limit, MAX_ANNOUNCED)) {
      const { groups, headGoesAlone } = planBatches(this.#queue.state, this.#channel(channel), this.#context());
      if (groups.length > 0) await this.#queue.batch(groups);
      if (headGoesAlone) limit = 1;
      const batch = await this.#announce(nextOf(this.#queue.state, channel, limit, this.#context()));
      if (batch.length === 0) return;
      if (!await this.#sendInOrder(batch, run)) return await this.#withdraw((entry) => entry.channel === channel);
    }
  }

  /** @returns whether all of them left and none failed */
  async #sendInOrder(batch: readonly Entry[], run: Run): Promise<boolean> {
    for (const entry of batch) {
      if (this.#isUp(run)) return false;
      const current = this.#queue.state.entry(entry.id);
      this.#announced.delete(entry.id);
      if (current === undefined || current.dead) continue;
      const result = await this.#try(current, run);
      this.#onEvent({ entry, result });
      // The members of a digest that was refused come next, before what was announced behind it.
      if (result.state === "failed" || (result.state === "dead" && current.members)) return false;
    }
    return true;
  }

  async #try(entry: Entry, run: Run): Promise<AttemptResult> {
    this.#underWay.add(entry.id);
    try {
      const channel = this.#channel(entry.channel);
      const now = this.#runtime.now();
      const timeLeft = Math.max(MIN_TIMEOUT_MS, (run.deadline ?? Infinity) - now);
      const result = await attempt(entry, channel, {
        timeoutMs: Math.min(REQUEST_TIMEOUT_MS, timeLeft),
        signal: run.signal,
        now: () => this.#runtime.now(),
        incidentOf: (entry) => this.#queue.state.findIncident(entry),
        shortcodes: this.#shortcodes,
        failures: this.#queue.state.channelState(entry.channel).failures,
        random: this.#runtime.random(),
      });
      await this.#queue.recordResult(entry, result, { isProof: !channel.isIdempotent });
      return result;
    } finally {
      this.#underWay.delete(entry.id);
    }
  }

  /** Announces those that nobody announced yet. */
  async #announce(entries: readonly Entry[]): Promise<readonly Entry[]> {
    const fresh = entries.filter((entry) => !this.#announced.has(entry.id));
    if (fresh.length === 0) return entries;
    for (const { id } of await this.#queue.announce(fresh)) this.#announced.add(id);
    return entries;
  }

  /** Takes back what was announced and did not leave. Where the disk refuses, the next one takes it for killed in flight, which is the safe side. */
  async #withdraw(which: (entry: Entry) => boolean): Promise<void> {
    const entries = [...this.#announced].map((id) => this.#queue.state.entry(id)).filter((entry) =>
      entry !== undefined
    );
    const back = entries.filter(which);
    for (const { id } of back) this.#announced.delete(id);
    if (back.length > 0) await ignoreStorageErrors(this.#queue.withdraw(back));
  }

  /** Whoever was on duty before is gone: what it left open was killed in flight, and its request may still be running. */
  async #abandon(): Promise<void> {
    const left = this.#queue.state.liveEntries().filter(({ id, inFlight }) => inFlight && !this.#announced.has(id));
    if (left.length > 0) await this.#queue.abandon(left, this.#runtime.now() + RESET_GAP_MS);
  }

  async #buryExpired(): Promise<void> {
    const isFree = ({ id }: Entry) => !this.#announced.has(id) && !this.#underWay.has(id);
    for (const { entry, reason } of await moveExpired(this.#queue, this.#runtime.now(), isFree)) {
      this.#onEvent({ entry, result: { state: "dead", reason } });
    }
  }

  #channel(name: string): Channel {
    const channel = this.#channels.get(name);
    if (channel === undefined) throw new TypeError(`Cannot serve channel ${name}: it is not configured`);
    return channel;
  }

  #isAborted({ signal }: RunOptions): boolean {
    return signal?.aborted === true;
  }

  #isUp(options: RunOptions): boolean {
    return this.#isAborted(options) || this.#runtime.now() >= (options.deadline ?? Infinity);
  }

  #heads(): Head[] {
    return [...heads(this.#queue.state, this.#context()).values()];
  }

  #context(): LaneContext {
    const now = this.#runtime.now();
    return {
      now,
      knows: (channel) => this.#channels.has(channel),
      delays: delaysAt(now, this.#queue.state, this.#policies),
    };
  }
}
