/**
 * The queue: entries come in, are announced, and are settled. What is on the disk is the truth; this object is a reading of it, made new by
 * {@linkcode Queue.refresh}.
 *
 * One promise per call: when `enqueue` resolves the entries survive a power cut; when it rejects, none of them is in the queue, unless the disk refuses
 * even to take back what it did not confirm.
 *
 * @module
 */

import type { Entry } from "./entry.ts";
import { denoFiles, type Files } from "../runtime/files.ts";
import { Enqueuer, recordOf } from "./enqueue.ts";
import { type Durability, Journal } from "./journal.ts";
import type { StagedFiles } from "./attachments/staged.ts";
import { Spool } from "./spool.ts";
import { FileLock } from "../runtime/file_lock.ts";
import type {
  AttemptResult,
  Enqueued,
  EnqueueRequest,
  ExpiredEntry,
  QueueFigures,
  QueueOptions,
  QueueRuntime,
} from "./queue_types.ts";
import type { JournalRecord } from "./record.ts";
import { Quarantine } from "./quarantine.ts";
import { MAX_QUEUE_BYTES } from "./limits.ts";
import { isKept, isWorthCompacting } from "./retention.ts";
import { Reserve } from "./reserve.ts";
import { killedRecord, resultRecords, withdrawalRecord } from "./result_records.ts";
import { mapFileErrors } from "../runtime/file_errors.ts";
import { QueueState, type ReadonlyQueueState } from "./state.ts";

/** The queue in `stateDir/queue`. */
export class Queue {
  /** Where the queue lives. */
  readonly directory: string;
  /** Held by the one process that delivers. */
  readonly deliverLock: FileLock;
  /** Held by the deliverer in the background for all of its life, also while it waits for its turn. */
  readonly backgroundLock: FileLock;
  readonly #stateDir: string;
  readonly #files: Files;
  readonly #runtime: QueueRuntime;
  readonly #journal: Journal;
  readonly #spool: Spool;
  readonly #quarantine: Quarantine;
  readonly #reserve: Reserve;
  readonly #enqueuer: Enqueuer;
  #state = new QueueState();

  private constructor(stateDir: string, runtime: QueueRuntime, options: QueueOptions) {
    const { files = denoFiles, onDamage, onReserveUsed = () => {} } = options;
    const directory = `${stateDir}/queue`;
    const reserve = new Reserve(directory, files, onReserveUsed);
    const quarantine = new Quarantine(directory, { files, runtime, onDamage });
    const parts = { files, reserve, quarantine };
    const spool = new Spool(directory, parts);
    const journal = new Journal(directory, parts, runtime);
    this.directory = directory;
    this.#stateDir = stateDir;
    this.#files = files;
    this.#runtime = runtime;
    this.#journal = journal;
    this.#spool = spool;
    this.#quarantine = quarantine;
    this.#reserve = reserve;
    this.#enqueuer = new Enqueuer({
      journal,
      spool,
      runtime,
      state: () => this.#state,
      refresh: () => this.refresh(),
    });
    this.deliverLock = new FileLock(files, `${directory}/deliver.lock`);
    this.backgroundLock = new FileLock(files, `${directory}/background.lock`);
  }

  /**
   * Opens the queue and reads it. Nothing is written: where there is no queue, it is empty.
   *
   * @throws {StorageError} when it cannot be read
   */
  static open(stateDir: string, runtime: QueueRuntime, options: QueueOptions = {}): Queue {
    const queue = new Queue(stateDir, runtime, options);
    queue.refresh();
    return queue;
  }

  /** The state as of the last reading. {@linkcode Queue.refresh} may replace it, so that it must not be kept across a wait. */
  get state(): ReadonlyQueueState {
    return this.#state;
  }

  /** Bytes of the journal that were read; they grow with every change. */
  get bytes(): number {
    return this.#journal.bytes;
  }

  /**
   * Reads what is new in the journal. If the journal was replaced and reading the new one fails, the state remains what it was.
   *
   * @throws {StorageError} if the journal cannot be read
   */
  refresh(): void {
    let state = this.#state;
    this.#journal.read({
      restart: () => state = state.successor(),
      record: (record, bytes) => state.apply(record, bytes),
    });
    this.#state = state;
  }

  /** Numbers for people and monitoring. */
  figures(): QueueFigures {
    const spooledTimes = this.#spool.times();
    const { possibleDuplicates, lastDelivery } = this.#state;
    return {
      bytes: this.bytes,
      maxBytes: MAX_QUEUE_BYTES,
      spooled: spooledTimes.length,
      spooledTimes,
      ...this.#quarantine.count(this.#journal.tornBytes > 0),
      possibleDuplicates,
      lastDelivery,
    };
  }

  /**
   * Makes the directory, before anything is written or locked.
   *
   * @throws {StorageError} when it cannot be made
   */
  prepare(): void {
    mapFileErrors(`make the queue directory ${this.directory}`, () => this.#files.makeDirectory(this.directory));
  }

  /** Whether there is a queue on the disk. */
  exists(): boolean {
    return mapFileErrors(`open the queue ${this.directory}`, () => {
      try {
        using _directory = this.#files.open(this.directory, "read");
        return true;
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return false;
        throw error;
      }
    });
  }

  /** Whether no deliverer in the background is alive. */
  needsBackground(): boolean {
    if (!this.backgroundLock.tryAcquire()) return false;
    this.backgroundLock.release();
    return true;
  }

  /**
   * Takes envelopes in, durably, in one write. Those that `leavesNow` names are announced in the same write, so that the happy path
   * pays for one `fdatasync` only. Where the journal cannot be had, because its lock or its disk hangs, they wait in `spool/`. A full disk gives its
   * reserve up first.
   *
   * @returns the entries; one that was taken in before under the same name of its caller's stands for the one that was to come
   * @throws {StorageError} when the disk did not take them, or the queue is at its limit: then none is in the queue
   * @throws {InvalidNotificationError} when one is longer than a line may be
   */
  enqueue(drafts: readonly EnqueueRequest[], leavesNow: (draft: EnqueueRequest) => boolean): Promise<Enqueued> {
    return this.#enqueuer.enqueue(drafts, leavesNow);
  }

  /**
   * Takes into the journal what waits in `spool/`, in the order of its times. For the holder of `deliver.lock`, who may deliver nothing as long as
   * this fails: something older may wait there.
   *
   * @throws {StorageError} when the journal cannot be had yet, or `spool/` cannot be read or emptied; then it goes on waiting there
   */
  importSpool(): Promise<void> {
    return this.#enqueuer.importSpool();
  }

  /** Keeps room back for a full disk. Not on the way of anything that must be quick. */
  keepReserve(): void {
    this.#reserve.keep();
  }

  /** Makes sure that what was enqueued survives whatever happened to the file's name just before. */
  syncName(): void {
    this.#journal.syncName();
  }

  /**
   * Has a digest stand for each group: entries of one lane that wait. It is durable as soon as it is announced, which is before it leaves.
   */
  async batch(groups: readonly (readonly Entry[])[]): Promise<void> {
    const time = this.#runtime.now();
    await this.#append(
      groups.map((group): JournalRecord => {
        const [{ channel, destination }] = group;
        const members = group.map(({ id }) => id);
        return { t: "batch", id: this.#runtime.uuid(), time, channel, destination, members };
      }),
      "none",
    );
  }

  /**
   * Says, durably and before they leave, that these entries are tried next.
   *
   * @returns them, without those that were dropped or spared meanwhile
   */
  async announce(entries: readonly Entry[]): Promise<Entry[]> {
    const time = this.#runtime.now();
    await this.#append(entries.map(({ id, attempts }) => ({ t: "att", id, n: attempts + 1, time })), "data");
    return entries.map(({ id }) => this.#state.entry(id)).filter((entry) => entry !== undefined);
  }

  /** Takes back announcements of attempts that did not leave. */
  async withdraw(entries: readonly Entry[]): Promise<void> {
    const time = this.#runtime.now();
    await this.#append(entries.map((entry) => withdrawalRecord(entry, time)), "none");
  }

  /** Says of attempts that were killed in flight that nobody will hear their answers; they are not tried again before `next`. */
  async abandon(entries: readonly Entry[], next: number): Promise<void> {
    const time = this.#runtime.now();
    await this.#append(entries.map((entry) => killedRecord(entry, time, next)), "none");
  }

  /**
   * Records what became of an attempt. Not synced unless `isProof`: where the service recognises a repeated try, a lost line costs one more try and no more.
   */
  async recordResult(entry: Entry, result: AttemptResult, { isProof }: { readonly isProof: boolean }): Promise<void> {
    const durability = result.state === "dead" || (result.state === "delivered" && isProof) ? "data" : "none";
    await this.#append(resultRecords(entry, result, this.#runtime.now()), durability);
  }

  /**
   * Buries entries whose time is over, and takes in what tells of it, in one write: neither is ever there without the other.
   *
   * @param news envelopes that tell of it; there is room for them always
   */
  async expire(graves: readonly ExpiredEntry[], news: readonly EnqueueRequest[]): Promise<void> {
    const time = this.#runtime.now();
    await this.#append([
      ...graves.map(({ entry: { id }, reason }): JournalRecord => ({ t: "dead", id, time, reason, expired: true })),
      ...news.map((draft): JournalRecord => recordOf(draft, this.#runtime.uuid(), time)),
    ], "data");
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

  /** Removes entries for good, and the files that nobody needs any more. */
  async drop(entries: readonly Entry[]): Promise<void> {
    const time = this.#runtime.now();
    if (entries.length > 0) await this.#append(entries.map(({ id }) => ({ t: "drop", id, time })), "directory");
    if (entries.some(({ files }) => files)) await this.sweepAttachments();
  }

  /** Ends what a dead writer left unfinished, so that a whole line without its line feed counts. */
  async seal(): Promise<void> {
    await this.#append([], "none");
  }

  /**
   * Compacts the journal when that is worth it. For the holder of `deliver.lock`.
   *
   * @returns whether it did
   * @throws {StorageError} when it could not; the journal is what it was
   */
  async compact(): Promise<boolean> {
    if (!isWorthCompacting(this.bytes, this.#state.keptBytes)) return false;
    const now = this.#runtime.now();
    const header = { time: now, host: this.#runtime.hostname() };
    await this.#journal.compact(
      () => {
        this.refresh();
        return this.#state.snapshot(header);
      },
      // What stands behind the snapshot is told once more: what it knows to wait was not delivered.
      (record) => isKept(record, now) && this.#state.entry(record.id) === undefined,
    );
    this.refresh();
    return true;
  }

  /**
   * Takes in files that entries are going to need.
   *
   * @throws {StorageError} when there is no directory for them
   */
  async stageFiles(): Promise<StagedFiles> {
    const { AttachmentStore } = await import("./attachments/store.ts");
    return new AttachmentStore(this.#stateDir, this.#files).receive(this.#runtime.uuid);
  }

  /**
   * Removes the files that no entry needs any more.
   *
   * @throws {StorageError} when that cannot be told, or the disk refuses; the next one tries again
   */
  async sweepAttachments(): Promise<void> {
    const { sweepAttachments } = await import("./attachments/sweep.ts");
    await sweepAttachments(this.#stateDir, {
      files: this.#files,
      journal: this.#journal,
      waiting: () => this.#spool.list(this.#runtime.now()).flatMap(({ records }) => records),
      refresh: () => this.refresh(),
      named: () => this.#state.fileNames(),
    });
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

  async #append(records: readonly JournalRecord[], durability: Durability, maxBytes?: number): Promise<void> {
    await this.#journal.append(records, durability, maxBytes);
    this.refresh();
  }
}
