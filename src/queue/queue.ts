/**
 * The queue: entries come in, are announced, and are settled. What is on the disk is the truth; this object is a reading of it, made new by
 * {@linkcode Queue.refresh}.
 *
 * One promise per call: when `enqueue` resolves the entries survive a power cut; when it rejects, none of them is in the queue, unless the disk refuses
 * even to take back what it did not confirm.
 *
 * @module
 */

import { QueueError } from "../errors.ts";
import type { Entry, EntryState } from "./entry.ts";
import { denoFiles, type Files } from "./files.ts";
import { Journal } from "./journal.ts";
import { FileLock } from "./lock.ts";
import type { AttemptResult, Draft, QueueFigures, QueueOptions, QueueRuntime } from "./queue_types.ts";
import type { JournalRecord } from "./record.ts";
import { QueueState, type Settlement } from "./state.ts";
import { guard } from "./trouble.ts";

/** A smaller journal is never compacted. */
export const MIN_COMPACTION_BYTES: number = 256 * 1024;

/** How long it is remembered that an entry was delivered. */
export const ACK_RETENTION_MS: number = 7 * 86_400_000;

/** The queue in `stateDir/queue`. */
export class Queue {
  /** Where the queue lives. */
  readonly directory: string;
  /** Held by the one process that delivers. */
  readonly deliverLock: FileLock;
  /** Held by the deliverer in the background for all of its life, also while it waits for its turn. */
  readonly backgroundLock: FileLock;
  readonly #files: Files;
  readonly #runtime: QueueRuntime;
  readonly #journal: Journal;
  #state = new QueueState();

  private constructor(stateDir: string, runtime: QueueRuntime, { files, onDamage }: Required<QueueOptions>) {
    this.directory = `${stateDir}/queue`;
    this.#files = files;
    this.#runtime = runtime;
    this.#journal = new Journal(this.directory, { files, onDamage }, runtime);
    this.deliverLock = new FileLock(files, `${this.directory}/deliver.lock`);
    this.backgroundLock = new FileLock(files, `${this.directory}/background.lock`);
  }

  /**
   * Opens the queue and reads it. Nothing is written: where there is no queue, it is empty.
   *
   * @throws {QueueError} when it cannot be read
   */
  static open(stateDir: string, runtime: QueueRuntime, options: QueueOptions = {}): Queue {
    const { files = denoFiles, onDamage = () => {} } = options;
    const queue = new Queue(stateDir, runtime, { files, onDamage });
    queue.refresh();
    return queue;
  }

  /**
   * Makes the directory, before anything is written or locked.
   *
   * @throws {QueueError} when it cannot be made
   */
  prepare(): void {
    guard(`make the queue directory ${this.directory}`, () => this.#files.makeDirectory(this.directory));
  }

  /** Whether there is a queue on the disk. */
  exists(): boolean {
    return guard(`look for the queue ${this.directory}`, () => this.#files.list(this.directory)).length > 0;
  }

  /** Whether no deliverer in the background is alive. */
  needsBackground(): boolean {
    if (!this.backgroundLock.tryAcquire()) return false;
    this.backgroundLock.release();
    return true;
  }

  /** Reads what is new. */
  refresh(): void {
    this.#journal.read({
      restart: () => this.#state = this.#state.successor(),
      record: (record, bytes) => this.#state.apply(record, bytes),
    });
  }

  /** Entries that are neither delivered nor dropped, in the order of arrival. */
  entries(): Entry[] {
    return [...this.#state.entries];
  }

  /** The entries that will be tried. */
  live(): Entry[] {
    return this.entries().filter((entry) => !entry.dead);
  }

  /** An entry as it is now, unless it is settled. */
  entry(id: string): Entry | undefined {
    return this.#state.entry(id);
  }

  /** What an entry is, seen together with its channel. */
  stateOf(entry: Entry): EntryState {
    return this.#state.stateOf(entry);
  }

  /** What a channel waits for, and how often it failed in a row. */
  channel(name: string): ReturnType<QueueState["channel"]> {
    return this.#state.channel(name);
  }

  /** How many flushes were asked for, as far as was read. */
  get flushes(): number {
    return this.#state.flushes;
  }

  /** How a watched entry ended, whoever delivered it; undefined while it has not. Entries that this object enqueued are watched. */
  settlement(id: string): Settlement | undefined {
    return this.#state.settlement(id);
  }

  /** From now on remembers how these end. */
  watch(entries: readonly Entry[]): void {
    for (const { id } of entries) this.#state.watch(id);
  }

  /** Forgets what was watched. */
  unwatch(ids: Iterable<string>): void {
    this.#state.unwatch(ids);
  }

  /** Bytes of the journal; it grows with every change. */
  get bytes(): number {
    return this.#journal.bytes;
  }

  /** Numbers for people and monitoring. */
  figures(): QueueFigures {
    return {
      bytes: this.bytes,
      quarantined: guard("list the quarantine", () => this.#files.list(`${this.directory}/quarantine`)).length,
      possibleDuplicates: this.#state.possibleDuplicates,
      lastDelivery: this.#state.lastDelivery,
    };
  }

  /**
   * Takes envelopes in, durably, in one write. Those that `leavesNow` names are announced in the same write, so that the happy path
   * pays for one `fdatasync` only.
   *
   * @throws {QueueError} when the disk did not take them: then none is in the queue
   * @throws {InvalidNotificationError} when one is longer than a line may be
   */
  async enqueue(drafts: readonly Draft[], leavesNow: (draft: Draft) => boolean): Promise<Entry[]> {
    const time = this.#runtime.now();
    const records: JournalRecord[] = [];
    const ids = drafts.map((draft) => {
      const id = this.#runtime.uuid();
      records.push({ t: "enq", id, time, ...draft });
      if (leavesNow(draft)) records.push({ t: "att", id, n: 1, time });
      this.#state.watch(id);
      return id;
    });
    const everyoneLeaves = records.length === 2 * drafts.length;
    await this.#append(records, everyoneLeaves ? "data" : "directory");
    return ids.map((id) => this.#known(id));
  }

  /** Makes sure that what was enqueued survives whatever happened to the file's name just before. */
  syncName(): void {
    this.#journal.syncName();
  }

  /** Says, durably and before they leave, that these entries are tried next. */
  async announce(entries: readonly Entry[]): Promise<Entry[]> {
    const time = this.#runtime.now();
    await this.#append(entries.map(({ id, attempts }) => ({ t: "att", id, n: attempts + 1, time })), "data");
    return entries.map((entry) => this.#known(entry.id));
  }

  /** Takes back announcements of attempts that did not leave. */
  async withdraw(entries: readonly Entry[]): Promise<void> {
    const time = this.#runtime.now();
    await this.#append(
      entries.map((entry) => ({
        t: "nack",
        id: entry.id,
        n: entry.attempts,
        time,
        class: "withdrawn",
        reason: "the attempt before it failed",
        next: time,
      })),
      "none",
    );
  }

  /**
   * Records what became of an attempt. Not synced unless `isProof`: where the service recognises a repeated try, a lost line costs one more try and no more.
   */
  async settle(entry: Entry, result: AttemptResult, { isProof }: { readonly isProof: boolean }): Promise<void> {
    const common = { id: entry.id, time: this.#runtime.now() };
    if (result.state === "delivered") {
      const { state: _, ...ack } = result;
      await this.#append([{ t: "ack", ...common, ...ack }], isProof ? "data" : "none");
    } else if (result.state === "dead") {
      const { state: _, ...grave } = result;
      await this.#append([{ t: "dead", ...common, ...grave }], "data");
    } else {
      const { state: _, ...nack } = result;
      await this.#append([{ t: "nack", n: entry.attempts, ...common, ...nack }], "none");
    }
  }

  /** Buries entries that nobody tried, in one write. */
  async bury(entries: readonly { readonly entry: Entry; readonly reason: string }[]): Promise<void> {
    const time = this.#runtime.now();
    await this.#append(entries.map(({ entry: { id }, reason }) => ({ t: "dead", id, time, reason })), "data");
  }

  /** Asks whoever delivers, this process or another, to try everything now. */
  async requestFlush(): Promise<void> {
    await this.#append([{ t: "flush", time: this.#runtime.now() }], "none");
  }

  /** Makes entries due at once, the dead ones too, and gives them a new expiry. */
  async retry(entries: readonly Entry[], ttlMs: number): Promise<void> {
    const time = this.#runtime.now();
    if (entries.length === 0) return;
    const records = entries.map(({ id }): JournalRecord => ({ t: "retry", id, time, expires: time + ttlMs }));
    await this.#append([...records, { t: "flush", time }], "directory");
  }

  /** Removes entries for good. */
  async drop(entries: readonly Entry[]): Promise<void> {
    const time = this.#runtime.now();
    if (entries.length > 0) await this.#append(entries.map(({ id }) => ({ t: "drop", id, time })), "directory");
  }

  /** Ends what a dead writer left unfinished, so that a whole line without its line feed counts. */
  async seal(): Promise<void> {
    await this.#append([], "none");
  }

  /**
   * Compacts the journal when that is worth it: more than half of it is history, and it is over 256 KiB. For the holder of `deliver.lock`.
   *
   * @returns whether it did
   * @throws {QueueError} when it could not; the journal is what it was
   */
  async compact(): Promise<boolean> {
    if (this.bytes <= MIN_COMPACTION_BYTES || this.bytes <= 2 * this.#state.keptBytes) return false;
    const now = this.#runtime.now();
    const header = { time: now, host: this.#runtime.hostname() };
    await this.#journal.compact(
      () => {
        this.refresh();
        return this.#state.snapshot(header);
      },
      (record) => record.t === "ack" && record.time > now - ACK_RETENTION_MS,
    );
    this.refresh();
    return true;
  }

  /**
   * Gives `deliver.lock` back, unless `more` finds work in a last look at the journal. Nobody can enqueue between the look and the release, so that
   * whoever finds the lock taken may rely on its holder.
   *
   * @returns whether the lock was given back
   */
  leaveDelivery(more: () => boolean): Promise<boolean> {
    return this.#journal.exclusively(() => {
      this.refresh();
      if (more()) return false;
      this.deliverLock.release();
      return true;
    });
  }

  async #append(records: readonly JournalRecord[], durability: "none" | "data" | "directory"): Promise<void> {
    await this.#journal.append(records, durability);
    this.refresh();
  }

  #known(id: string): Entry {
    const entry = this.#state.entry(id);
    if (entry === undefined) {
      throw new QueueError("io", `Cannot find entry ${id} again: the journal was changed from outside`);
    }
    return entry;
  }
}
