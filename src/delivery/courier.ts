/**
 * The courier delivers the queue: it takes the entries that are due, tries each once, and records
 * the result.
 *
 * ```text
 * one tick         refresh, import the spool -> expire, compact, sweep
 *                  -> serve each channel with a head that is due
 *                  -> sleep until the next head is due -> again
 * serve a channel  batch a backlog (batching.ts) -> choose entries (schedule.ts)
 *                  -> announce them (durable) -> attempt each, one at a time (attempt.ts)
 *                  -> record the result
 *                     delivered, dead   go on with the next entry
 *                     failed            withdraw what was announced after it;
 *                                       its wait (retry.ts) decides when it is due again
 * ```
 *
 * Only the deliverer runs a courier, and one run at a time (deliver_or_watch.ts).
 *
 * @module
 */

import type { Channel } from "../channels/channel.ts";
import { type Entry, laneKey } from "../queue/entry.ts";
import type { AttemptResult } from "../queue/entry_transitions.ts";
import type { Queue } from "../queue/queue.ts";
import { ignoreStorageErrors } from "../runtime/file_errors.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { attempt } from "./attempt.ts";
import { planBatches } from "./batching.ts";
import { RESET_GAP_MS } from "./classify.ts";
import type { DelaySubject, Policies } from "./delays.ts";
import { moveExpired } from "./expiry.ts";
import { Schedule } from "./schedule.ts";

/** The parts of the runtime that the courier uses. */
export type CourierRuntime = Pick<Runtime, "now" | "sleep" | "random">;

/** The configuration of a courier. */
export interface CourierOptions {
  /** Called after each attempt, and for each entry that expires. @default no log */
  readonly onEvent?: (event: CourierEvent) => void;
  /** @default the default policy for every channel */
  readonly policies?: Policies;
  /** `true`: shortcodes in subjects become symbols. @default {false} */
  readonly shortcodes?: boolean;
}

/** What became of an entry. */
export type CourierEvent = { readonly entry: Entry; readonly result: AttemptResult };

/** When a run ends. */
export interface RunOptions {
  /** No attempt starts after this time, milliseconds since 1970. @default never */
  readonly deadline?: number;
  /** The run ends when nothing becomes due within this time, milliseconds. */
  readonly patienceMs: number;
  /**
   * Ids. The run ends as soon as none of these entries can leave now; other entries are delivered
   * only until then.
   */
  readonly mine?: readonly string[];
  /**
   * True if the run ends when a flush is requested while an entry is held: the process that flushes
   * may know the new token.
   *
   * @default {false}
   */
  readonly handsOver?: boolean;
  /** Ends the run at once and cancels the request in flight. */
  readonly signal?: AbortSignal;
}

/** Why a run ended. */
export type RunEnd = "over" | "handed-over";

/** A run in progress. */
interface Run extends RunOptions {
  /** The channels that are being served, by name. */
  readonly busy: Map<string, Promise<unknown>>;
  /** How many flushes had been requested when the run started. */
  readonly flushes: number;
  /** The error that ended the run: the signal's reason, or a storage error. */
  failure?: { readonly error: unknown };
}

/** The longest time for one request. */
export const REQUEST_TIMEOUT_MS = 60_000;

/** The shortest time for one request, even if the deadline is nearer. */
const MIN_TIMEOUT_MS = 1_000;

/**
 * How many attempts one synced write announces at most. One sync for each attempt would halve the
 * speed.
 */
const MAX_ANNOUNCED = 32;

/** How often a waiting courier looks for entries of other processes. */
const POLL_MS = 250;

/** Delivers the entries of a queue through its channels. */
export class Courier {
  readonly #queue: Queue;
  readonly #channels: ReadonlyMap<string, Channel>;
  readonly #runtime: CourierRuntime;
  readonly #onEvent: (event: CourierEvent) => void;
  readonly #policies: Policies;
  readonly #shortcodes: boolean;
  /** Ids of the entries that this courier announced and has not tried yet. */
  readonly #announced = new Set<string>();
  /** Ids of the entries that are being tried. */
  readonly #trying = new Set<string>();
  /** True once a compaction failed: the next process tries again. */
  #cannotCompact = false;
  /** How many entries with attachments had left the queue at the last sweep. */
  #sweptReleases: number;

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
    this.#sweptReleases = queue.state.removedWithFiles;
  }

  /** Takes over entries whose first attempt was announced when they were enqueued. */
  adopt(entries: readonly Entry[]): void {
    for (const entry of entries) if (entry.inFlight) this.#announced.add(entry.id);
  }

  /** The schedule at this time. Valid until the queue changes. */
  schedule(): Schedule {
    return new Schedule(this.#runtime.now(), this.#queue.state, {
      policies: this.#policies,
      isConfigured: (channel) => this.#channels.has(channel),
    });
  }

  /**
   * True if a new envelope would leave at once: its channel is idle, and no delay applies to it.
   */
  isIdleFor(request: DelaySubject): boolean {
    const { delays } = this.schedule();
    return this.#queue.state.channelState(request.channel).wait === undefined && delays.of(request) === undefined &&
      !this.#queue.state.liveEntries().some((entry) =>
        entry.channel === request.channel && !delays.isPendingFallback(entry)
      );
  }

  /** True if the queue contains an entry for a configured channel. */
  hasWork(): boolean {
    return this.#queue.state.liveEntries().some(({ channel }) => this.#channels.has(channel));
  }

  /**
   * Delivers until the options end the run.
   *
   * @throws the reason of the signal, if it ended the run
   * @throws {StorageError} if the queue cannot be read or written
   */
  async run(options: RunOptions): Promise<RunEnd> {
    const run: Run = { ...options, busy: new Map(), flushes: this.#queue.state.flushCount };
    try {
      await this.#queue.seal();
      await this.#abandonKilled();
      for (;;) {
        if (!run.failure) await this.#prepare(run);
        const schedule = this.schedule();
        this.#start(run, schedule);
        if (run.busy.size === 0 && (run.failure || this.isOver(run, schedule) || this.#mustHandOver(run))) break;
        await this.#pause(run, schedule);
      }
    } finally {
      await this.#withdraw(() => true);
    }
    if (run.failure) throw run.failure.error;
    run.signal?.throwIfAborted();
    return this.#mustHandOver(run) ? "handed-over" : "over";
  }

  /** True if a run with these options has nothing left to do now. */
  isOver(options: RunOptions, schedule: Schedule = this.schedule()): boolean {
    const { now } = schedule;
    if (this.#isStopped(options)) return true;
    if (options.mine === undefined) return schedule.heads().every(({ ready }) => ready - now > options.patienceMs);
    const readyTimes = schedule.readyTimes();
    return options.mine.map((id) => this.#queue.state.entry(id)).every((entry) =>
      entry === undefined || entry.dead !== undefined || (readyTimes.get(laneKey(entry)) ?? Infinity) > now
    );
  }

  /**
   * Reads what is new and tidies up. If that fails, no attempt starts, since an older entry may be
   * unseen.
   */
  async #prepare(run: Run): Promise<void> {
    try {
      this.#queue.refresh();
      await this.#queue.importSpool();
      await this.#expire();
      await this.#tidyUp();
    } catch (error) {
      run.failure = { error };
    }
  }

  async #expire(): Promise<void> {
    const isFree = ({ id }: Entry) => !this.#announced.has(id) && !this.#trying.has(id);
    for (const { entry, reason } of await moveExpired(this.#queue, this.#runtime.now(), isFree)) {
      this.#onEvent({ entry, result: { state: "dead", reason } });
    }
  }

  /**
   * Compacts the journal and sweeps attachments, if that is worth it. If the disk refuses, the
   * queue stays as it is.
   */
  async #tidyUp(): Promise<void> {
    let didCompact = false;
    const compact = async () => didCompact = await this.#queue.compact();
    if (!this.#cannotCompact) this.#cannotCompact = !await ignoreStorageErrors(compact());
    // After a compaction it sweeps too: a process that was killed before its sweep left files
    // behind.
    if (!didCompact && this.#queue.state.removedWithFiles === this.#sweptReleases) return;
    await ignoreStorageErrors(this.#queue.sweepAttachments());
    this.#sweptReleases = this.#queue.state.removedWithFiles;
  }

  #mustHandOver(run: Run): boolean {
    return run.handsOver === true && run.flushes !== this.#queue.state.flushCount &&
      this.#queue.state.liveEntries().some((entry) => this.#queue.state.entryState(entry) === "held");
  }

  /** Starts to serve each channel with a head that is due. */
  #start(run: Run, schedule: Schedule): void {
    if (run.failure || this.#isStopped(run) || this.#mustHandOver(run)) return;
    for (const { entry: { channel }, ready } of schedule.heads()) {
      if (ready > schedule.now || run.busy.has(channel)) continue;
      const served = this.#serve(channel, run).catch((error) => run.failure ??= { error });
      run.busy.set(channel, served.finally(() => run.busy.delete(channel)));
    }
  }

  /**
   * Waits until a channel is served, a head is due, or it is time to look for entries of other
   * processes. If only the answer to a request can bring news, it uses no timer: the first timer
   * costs a program 15 ms.
   */
  async #pause(run: Run, schedule: Schedule): Promise<void> {
    const now = this.#runtime.now();
    const busy = [...run.busy.values()];
    if (this.#isAborted(run)) return void await Promise.all(busy);
    const heads = schedule.heads().filter(({ entry }) =>
      run.mine === undefined || !schedule.delays.isPendingFallback(entry)
    );
    const nextReady = Math.min(...heads.map(({ ready }) => ready).filter((ready) => ready > schedule.now));
    const untilPoll = busy.length > 0 && run.mine ? Infinity : POLL_MS;
    const untilDeadline = busy.length > 0 ? Infinity : (run.deadline ?? Infinity) - now;
    const pauseMs = Math.min(untilPoll, Math.max(0, nextReady - now), untilDeadline);
    if (pauseMs === Infinity) return void await Promise.race(busy);
    const waking = new AbortController();
    const wake = run.signal ? AbortSignal.any([run.signal, waking.signal]) : waking.signal;
    await Promise.race([this.#runtime.sleep(pauseMs, wake), ...busy]);
    waking.abort();
  }

  /**
   * Sends what is due in one channel, one request at a time. It announces more entries at once as
   * long as all goes well.
   */
  async #serve(channel: string, run: Run): Promise<void> {
    for (let limit = 1; !this.#isStopped(run); limit = Math.min(2 * limit, MAX_ANNOUNCED)) {
      let schedule = this.schedule();
      const { groups, headGoesAlone } = planBatches(this.#queue.state, this.#channel(channel), schedule);
      if (groups.length > 0) {
        await this.#queue.batch(groups);
        schedule = this.schedule();
      }
      if (headGoesAlone) limit = 1;
      const entries = await this.#announce(schedule.next(channel, limit));
      if (entries.length === 0) return;
      if (!await this.#sendInOrder(entries, run)) return await this.#withdraw((entry) => entry.channel === channel);
    }
  }

  /** @returns true if all of them were sent and none failed */
  async #sendInOrder(entries: readonly Entry[], run: Run): Promise<boolean> {
    for (const entry of entries) {
      if (this.#isStopped(run)) return false;
      const current = this.#queue.state.entry(entry.id);
      this.#announced.delete(entry.id);
      if (current === undefined || current.dead) continue;
      const result = await this.#try(current, run);
      this.#onEvent({ entry, result });
      // The members of a rejected batch come next, before the entries that were announced after it.
      if (result.state === "failed" || (result.state === "dead" && current.members)) return false;
    }
    return true;
  }

  async #try(entry: Entry, run: Run): Promise<AttemptResult> {
    this.#trying.add(entry.id);
    try {
      const channel = this.#channel(entry.channel);
      const now = this.#runtime.now();
      const timeLeft = Math.max(MIN_TIMEOUT_MS, (run.deadline ?? Infinity) - now);
      const result = await attempt(entry, channel, {
        timeoutMs: Math.min(REQUEST_TIMEOUT_MS, timeLeft),
        signal: run.signal,
        now: () => this.#runtime.now(),
        findIncident: (entry) => this.#queue.state.findIncident(entry),
        shortcodes: this.#shortcodes,
        failures: this.#queue.state.channelState(entry.channel).failures,
        random: this.#runtime.random(),
      });
      await this.#queue.recordResult(entry, result, { isProof: !channel.isIdempotent });
      return result;
    } finally {
      this.#trying.delete(entry.id);
    }
  }

  /** Announces the entries that are not announced yet. */
  async #announce(entries: readonly Entry[]): Promise<readonly Entry[]> {
    const fresh = entries.filter((entry) => !this.#announced.has(entry.id));
    if (fresh.length === 0) return entries;
    for (const { id } of await this.#queue.announce(fresh)) this.#announced.add(id);
    return entries;
  }

  /**
   * Withdraws announcements of attempts that were not made. If the disk refuses, the next courier
   * treats them as killed in flight, which is safe.
   */
  async #withdraw(isWithdrawn: (entry: Entry) => boolean): Promise<void> {
    const entries = [...this.#announced].map((id) => this.#queue.state.entry(id)).filter((entry) =>
      entry !== undefined
    );
    const withdrawn = entries.filter(isWithdrawn);
    for (const { id } of withdrawn) this.#announced.delete(id);
    if (withdrawn.length > 0) await ignoreStorageErrors(this.#queue.withdraw(withdrawn));
  }

  /**
   * Attempts that an earlier deliverer left in flight were killed with it. Their requests may still
   * be running.
   */
  async #abandonKilled(): Promise<void> {
    const killed = this.#queue.state.liveEntries().filter(({ id, inFlight }) => inFlight && !this.#announced.has(id));
    if (killed.length > 0) await this.#queue.abandon(killed, this.#runtime.now() + RESET_GAP_MS);
  }

  #channel(name: string): Channel {
    const channel = this.#channels.get(name);
    if (channel === undefined) throw new TypeError(`Cannot serve channel ${name}: it is not configured`);
    return channel;
  }

  #isAborted({ signal }: RunOptions): boolean {
    return signal?.aborted === true;
  }

  /** True if no more attempt may start. */
  #isStopped(options: RunOptions): boolean {
    return this.#isAborted(options) || this.#runtime.now() >= (options.deadline ?? Infinity);
  }
}
