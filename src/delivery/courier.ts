/**
 * The courier delivers the queued entries. It makes one attempt for each due entry and records the
 * result.
 *
 * ```text
 * one round        refresh, import the spool -> expire, compact, sweep
 *                  -> serve each channel with a head that is due
 *                  -> sleep until the next head is due -> again
 * serve a channel  batch a backlog (batching.ts) -> choose entries (schedule.ts)
 *                  -> announce their attempts on disk (announcements.ts)
 *                  -> attempt each, one at a time (attempt.ts) -> record the result
 *                     delivered, dead   continue with the next entry
 *                     failed            withdraw the announcements of later entries;
 *                                       retry.ts sets the time of the next attempt
 * ```
 *
 * A lane is one channel and destination. The head of a lane is its next entry. The spool contains
 * entries that were stored while the journal (the queue file) was locked. To compact is to remove
 * old records from the journal. To sweep is to delete unneeded attachments. Only the process that
 * holds `deliver.lock` runs a courier (deliver_or_watch.ts). Only one run is active at a time.
 *
 * @module
 */

import type { Channel } from "../channels/channel.ts";
import { type Entry, isUndecided } from "../queue/entry.ts";
import { firstOf } from "../queue/lane_index.ts";
import type { Queue } from "../queue/queue.ts";
import { ignoreStorageErrors } from "../runtime/file_errors.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { FullTextReader } from "./attempt.ts";
import { Announcements } from "./announcements.ts";
import { AttemptGroup, type CourierEvent } from "./attempt_group.ts";
import { planBatches } from "./batching.ts";
import { RESET_GAP_MS } from "./classify.ts";
import type { DelaySubject, Policies } from "./delays.ts";
import { moveExpired } from "./expiry.ts";
import type { IdlePause } from "./idle_pause.ts";
import { Schedule } from "./schedule.ts";

/** The parts of the runtime (clock, timers, random numbers) that the courier uses. */
export type CourierRuntime = Pick<Runtime, "now" | "sleep" | "random" | "timeout" | "watch">;

/** The options of a courier, the part that delivers queued entries. */
export interface CourierOptions {
  /** A function that is called after each attempt and for each expired entry. @default none */
  readonly onEvent?: (event: CourierEvent) => void;
  /**
   * The policies (batches, rate limit, quiet hours) by channel name.
   *
   * @default the default policy for every channel
   */
  readonly policies?: Policies;
  /**
   * True if shortcodes such as `:warning-sign:` in subjects are replaced by symbols.
   *
   * @default {false}
   */
  readonly shortcodes?: boolean;
  /** Reads the messages that are stored as files. */
  readonly files?: FullTextReader;
}

/** The options of {@linkcode Courier.run}. They define when the run ends. */
export interface RunOptions {
  /** The time after which no attempt starts, in milliseconds since 1970. @default no deadline */
  readonly deadline?: number;
  /**
   * How long the run waits for the next due entry, in milliseconds. If no entry becomes due within
   * this time, the run ends.
   */
  readonly patienceMs: number;
  /**
   * The ids of the caller's entries. The run ends when none of these entries can be sent within
   * `patienceMs`, even if other entries are due.
   */
  readonly mine?: readonly string[];
  /**
   * True if another process can take over the delivery. An entry is held if it waits until a
   * person fixes its channel. If the other process requests a flush (immediate attempts) while an
   * entry is held, the run ends early. The other process may know a new token.
   *
   * @default {false}
   */
  readonly handsOver?: boolean;
  /**
   * True if the run continues when the queue is empty. Only `leave`, `signal` or `handsOver` then
   * end the run.
   *
   * @default {false}
   */
  readonly runsOn?: boolean;
  /** A function that is called each time the run has read the queue. @default none */
  readonly onRound?: () => void;
  /** An abort signal that ends the run after the current attempts. @default none */
  readonly leave?: AbortSignal;
  /** A signal that ends the run immediately and cancels the current request. */
  readonly signal?: AbortSignal;
}

/**
 * The reason why a run ended. `over`: no entry can be sent soon, or the time is over.
 * `handed-over`: another process can continue; see {@linkcode RunOptions.handsOver} and
 * {@linkcode RunOptions.leave}.
 */
export type RunEnd = "over" | "handed-over";

/** A run in progress. */
interface Run extends RunOptions {
  /** The channels that are being served, by name. */
  readonly busy: Map<string, Promise<unknown>>;
  /** Ends the current pause. Called when a channel has been served. */
  wake: () => void;
  /** The number of flushes that were requested before the run started. */
  readonly flushes: number;
  /** The error that ended the run: the signal's reason, or a storage error. */
  failure?: { readonly error: unknown };
  /** Undefined until the first pause in which no request is in progress. */
  idle?: IdlePause;
}

/**
 * The largest number of attempts that one write to the journal announces. Each write is synced to
 * disk. One write per attempt would halve the speed.
 */
const MAX_ANNOUNCED = 32;

/** The interval at which a courier looks for new entries from other processes while it sends. */
const BUSY_POLL_MS = 250;

/** Delivers the entries of a queue through its channels. */
export class Courier {
  readonly #queue: Queue;
  readonly #channels: ReadonlyMap<string, Channel>;
  readonly #runtime: CourierRuntime;
  readonly #onEvent: (event: CourierEvent) => void;
  readonly #policies: Policies;
  readonly #shortcodes: boolean;
  readonly #files: FullTextReader | undefined;
  readonly #announcements: Announcements;
  /**
   * True if a compaction (a rewrite of the journal without old records) failed. Then this courier
   * does not compact again.
   */
  #cannotCompact = false;
  /**
   * The value of `removedWithFiles` at the last sweep; 0 before the first sweep. A sweep deletes
   * unneeded attachments. `removedWithFiles` counts the entries with attachments that any process
   * removed since the last compaction. If the count has changed, a sweep is needed.
   */
  #sweptReleases = 0;

  constructor(
    queue: Queue,
    channels: ReadonlyMap<string, Channel>,
    runtime: CourierRuntime,
    { onEvent = () => {}, policies = new Map(), shortcodes = false, files }: CourierOptions = {},
  ) {
    this.#queue = queue;
    this.#announcements = new Announcements(queue);
    this.#channels = channels;
    this.#runtime = runtime;
    this.#onEvent = onEvent;
    this.#policies = policies;
    this.#shortcodes = shortcodes;
    this.#files = files;
  }

  /** See {@linkcode Announcements.adopt}. */
  adopt(entries: readonly Entry[]): void {
    this.#announcements.adopt(entries);
  }

  /** Returns the current schedule. The schedule is valid until the queue changes. */
  schedule(): Schedule {
    return new Schedule(this.#runtime.now(), this.#queue.state, {
      policies: this.#policies,
      isConfigured: (channel) => this.#channels.has(channel),
    });
  }

  /**
   * Returns true if a new envelope (one notification for one destination) can be sent immediately:
   * the channel is idle, and the envelope is not delayed.
   */
  isIdleFor(request: DelaySubject): boolean {
    const { delays } = this.schedule();
    if (this.#queue.state.channelState(request.channel).wait || delays.of(request)) return false;
    return this.#queue.state.lanes().every((lane) =>
      firstOf(lane)?.channel !== request.channel || lane.values().every((entry) => delays.isPendingFallback(entry))
    );
  }

  /** Returns true if the queue contains an entry that this courier can send now or later. */
  hasWork(): boolean {
    return this.#queue.state.lanes().some((lane) => {
      const entry = firstOf(lane);
      return entry !== undefined && this.#channels.has(entry.channel) && !isUndecided(entry);
    });
  }

  /**
   * Delivers entries until a condition in the options ends the run.
   *
   * @throws the reason of the signal, if the signal ended the run
   * @throws {StorageError} if the queue cannot be read or written
   */
  async run(options: RunOptions): Promise<RunEnd> {
    const run: Run = { ...options, busy: new Map(), wake() {}, flushes: this.#queue.state.flushCount };
    try {
      await this.#queue.seal();
      await this.#announcements.abandonKilled(this.#runtime.now() + RESET_GAP_MS);
      for (;;) {
        if (!run.failure) await this.#prepare(run);
        const schedule = this.schedule();
        this.#start(run, schedule);
        if (run.busy.size === 0 && (run.failure || this.isOver(run, schedule) || this.#mustHandOver(run))) break;
        await this.#pause(run, schedule);
      }
    } finally {
      run.idle?.[Symbol.dispose]();
      await this.#announcements.withdraw();
    }
    if (run.failure) throw run.failure.error;
    run.signal?.throwIfAborted();
    return this.#mustHandOver(run) ? "handed-over" : "over";
  }

  /** Returns true if a run with these options would end now. */
  isOver(options: RunOptions, schedule: Schedule = this.schedule()): boolean {
    const { now } = schedule;
    if (this.#isStopped(options)) return true;
    if (options.runsOn) return false;
    if (options.mine === undefined) return schedule.heads().every(({ ready }) => ready - now > options.patienceMs);
    return options.mine.map((id) => this.#queue.state.entry(id)).every((entry) =>
      entry === undefined || entry.dead !== undefined ||
      (schedule.readyTime(entry) ?? Infinity) - now > options.patienceMs
    );
  }

  /**
   * Reads new records of the journal and tidies up. If an error occurs, no attempt starts: there
   * may be an unread entry that must be sent first.
   */
  async #prepare(run: Run): Promise<void> {
    try {
      this.#queue.refresh();
      await this.#queue.importSpool();
      await this.#expire();
      await this.#tidyUp();
      run.onRound?.();
    } catch (error) {
      run.failure = { error };
    }
  }

  async #expire(): Promise<void> {
    const isFree = (entry: Entry) => this.#announcements.isFree(entry);
    for (const { entry, reason } of await moveExpired(this.#queue, this.#runtime.now(), isFree)) {
      this.#onEvent({ entry, result: { state: "dead", reason } });
    }
  }

  /**
   * Compacts the journal (removes old records) if this makes the journal much shorter. Deletes
   * unneeded attachments. Ignores storage errors.
   */
  async #tidyUp(): Promise<void> {
    let didCompact = false;
    const compact = async () => didCompact = await this.#queue.compact();
    if (!this.#cannotCompact) this.#cannotCompact = !await ignoreStorageErrors(compact());
    // After a compaction, always sweep (delete unneeded attachments), because an earlier process
    // may have been killed before its sweep.
    if (!didCompact && this.#queue.state.removedWithFiles === this.#sweptReleases) return;
    await ignoreStorageErrors(this.#queue.sweepAttachments());
    this.#sweptReleases = this.#queue.state.removedWithFiles;
  }

  #mustHandOver(run: Run): boolean {
    if (run.leave?.aborted) return true;
    return run.handsOver === true && run.flushes !== this.#queue.state.flushCount &&
      this.#queue.state.eachLive().some((entry) => this.#queue.state.entryState(entry) === "held");
  }

  /**
   * Starts to send on each channel where the next entry of a lane (one channel and destination) is
   * due.
   */
  #start(run: Run, schedule: Schedule): void {
    if (run.failure || this.#isStopped(run) || this.#mustHandOver(run)) return;
    for (const { entry: { channel }, ready } of schedule.heads()) {
      if (ready > schedule.now || run.busy.has(channel)) continue;
      const served = this.#serve(channel, run).catch((error) => run.failure ??= { error });
      const ended = served.finally(() => {
        run.busy.delete(channel);
        run.wake();
      });
      run.busy.set(channel, ended);
    }
  }

  /**
   * Waits until a channel has been served, an entry is due, or the poll interval ends. If only a
   * response can end the wait, no timer is started: the first timer of a process costs 1 ms.
   */
  async #pause(run: Run, schedule: Schedule): Promise<void> {
    const now = this.#runtime.now();
    // Waits only for the attempts: an aborted signal ends each sleep at once.
    if (this.#isAborted(run)) return void await Promise.all(run.busy.values());
    const heads = schedule.heads().filter(({ entry }) =>
      run.mine === undefined || !schedule.delays.isPendingFallback(entry)
    );
    const nextReady = Math.min(...heads.map(({ ready }) => ready).filter((ready) => ready > schedule.now));
    if (run.busy.size === 0) return await this.#pauseIdle(run, Math.min(nextReady, run.deadline ?? Infinity) - now);
    const pauseMs = Math.min(run.mine ? Infinity : BUSY_POLL_MS, Math.max(0, nextReady - now));
    // `Promise.race` would keep memory for each pause until the attempts end.
    if (pauseMs === Infinity) return await new Promise((resolve) => run.wake = resolve);
    const waking = new AbortController();
    run.wake = () => waking.abort();
    await this.#runtime.sleep(pauseMs, AbortSignal.any([waking.signal, ...stopSignals(run)]));
  }

  /** Waits until an entry is due, the queue changes, or the poll interval ends. */
  async #pauseIdle(run: Run, pauseMs: number): Promise<void> {
    if (run.idle) return await run.idle.wait(pauseMs, stopSignals(run));
    const { IdlePause } = await import("./idle_pause.ts");
    // The first pause ends at once, because the queue may have changed before the watch began.
    run.idle = await IdlePause.open([this.#queue.directory], this.#runtime);
  }

  /**
   * Sends the due entries of a channel, one request at a time. While the attempts succeed, each
   * write to the journal announces twice as many attempts as the previous write.
   */
  async #serve(channel: string, run: Run): Promise<void> {
    for (let limit = 1; !this.#isStopped(run); limit = Math.min(2 * limit, MAX_ANNOUNCED)) {
      if (await this.#makeBatches(this.#channel(channel))) limit = 1;
      const entries = this.schedule().next(channel, limit);
      if (entries.length === 0) return;
      await this.#announcements.announce(entries);
      if (!await this.#group(run).send(entries)) return await this.#announcements.withdraw(channel);
    }
  }

  /**
   * Creates the batches (several entries in one message) of a channel. A batch that shows one line
   * for each entry needs a file for the full texts. If the file cannot be stored, the message
   * contains the full texts.
   *
   * @returns true if the first entry of a lane must first be sent alone
   */
  async #makeBatches(channel: Channel): Promise<boolean> {
    const plan = (style?: "lines") => planBatches(this.#queue.state, channel, this.schedule(), style);
    const { style } = this.schedule().delays.policyOf(channel.name);
    if (style === "lines" && channel.attachmentMode !== undefined) {
      const { groups, headGoesAlone } = await plan("lines");
      if (groups.length === 0) return headGoesAlone;
      const { createLineBatches } = await import("./batch_files.ts");
      if (await createLineBatches(groups, channel, this.#queue)) return headGoesAlone;
    }
    const { groups, headGoesAlone } = await plan();
    if (groups.length > 0) await this.#queue.batch(groups.map((entries) => ({ entries })));
    return headGoesAlone;
  }

  #group(run: Run): AttemptGroup {
    return new AttemptGroup({
      queue: this.#queue,
      runtime: this.#runtime,
      channelOf: ({ channel }) => this.#channel(channel),
      shortcodes: this.#shortcodes,
      files: this.#files,
      announcements: this.#announcements,
      isStopped: () => this.#isStopped(run),
      onEvent: this.#onEvent,
      deadline: run.deadline,
      signal: run.signal,
    });
  }

  #channel(name: string): Channel {
    const channel = this.#channels.get(name);
    if (channel === undefined) throw new TypeError(`Cannot deliver through channel ${name}: it is not configured`);
    return channel;
  }

  #isAborted({ signal }: RunOptions): boolean {
    return signal?.aborted === true;
  }

  /** Returns true if no further attempt may start in this run. */
  #isStopped(options: RunOptions): boolean {
    const { leave, deadline = Infinity } = options;
    return this.#isAborted(options) || leave?.aborted === true || this.#runtime.now() >= deadline;
  }
}

/**
 * The abort signals that end a pause. A signal that is already aborted would end each pause at
 * once.
 */
function stopSignals({ signal, leave }: RunOptions): readonly AbortSignal[] {
  return [signal, leave].filter((one) => one !== undefined).filter(({ aborted }) => !aborted);
}
