/**
 * The queue: enqueues entries, announces attempts and records results. Its invariant:
 *
 * > When {@linkcode Queue.enqueue} resolves, its entries survive a power cut. When the call
 * > rejects, the entries are not in the queue. There is one exception: if a write fails and the
 * > disk also refuses to remove the written lines, the entries can still be in the queue.
 *
 * ```text
 * each call ──append──> journal ──refresh──> state
 *
 * call          records      synced     after a power cut
 * enqueue       enq (+ att)  fdatasync  record exists
 * announce      att          fdatasync  record exists; the attempt starts only after the sync
 * recordResult  ack, nack    no         may be lost: one more attempt with the same txnId
 *               dead         fdatasync  record exists
 * ```
 *
 * The types of records are: `enq`, a new entry; `att`, an announced attempt; `ack`, a delivery;
 * `nack`, a failed attempt; `dead`, a rejected or expired entry. `change_records.ts` creates them.
 *
 * Only the files on the disk are authoritative. The state in memory is a copy;
 * {@linkcode Queue.refresh} updates it. Any number of processes can enqueue entries. Only the
 * process that holds `deliver.lock` delivers entries.
 *
 * @module
 */

import { mapFileErrors } from "../runtime/file_errors.ts";
import { FileLock, type HeldLock } from "../runtime/file_lock.ts";
import { denoFiles, type Files } from "../runtime/files.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { StagedFiles } from "./attachments/store.ts";
import {
  attemptRecords,
  type AttemptResult,
  batchRecords,
  type BatchRequest,
  dropRecords,
  type EnqueueRequest,
  type ExpiredEntry,
  expiryRecords,
  flushRecord,
  killedRecords,
  replacementRecords,
  resultRecords,
  retryRecords,
  withdrawalRecords,
} from "./change_records.ts";
import { createAckFilter, isWorthCompacting } from "./compaction.ts";
import { type Enqueued, Enqueuer } from "./enqueue.ts";
import { attachmentsDirectory, type Entry } from "./entry.ts";
import { type Durability, Journal, type JournalListener } from "./journal.ts";
import { MAX_QUEUE_BYTES } from "./limits.ts";
import { Quarantine, type QuarantineFigures } from "./quarantine.ts";
import type { FlushReach, JournalRecord } from "./record.ts";
import { Reserve } from "./reserve.ts";
import { Spool } from "./spool.ts";
import { QueueState, type ReadonlyQueueState } from "./state.ts";

/** The parts of the runtime (clock, random numbers, host name) that the queue uses. */
export type QueueRuntime = Pick<Runtime, "now" | "sleep" | "random" | "hostname" | "uuid">;

/** Options of {@linkcode Queue.open}. */
export interface QueueOptions {
  /** @default the real file system */
  readonly files?: Files;
  /**
   * Called with the path of each new file in `quarantine/`, the directory for damaged lines and
   * files.
   */
  readonly onDamage?: (path: string) => void;
  /**
   * Called after `reserve.bin` was removed because the disk is full. This file reserves disk space.
   */
  readonly onReserveUsed?: () => void;
}

/** Numbers about the queue. Times are in milliseconds since 1970. */
export interface QueueFigures extends QuarantineFigures {
  /** The size of the journal, in bytes. */
  readonly bytes: number;
  /**
   * The size limit of the journal, in bytes. Above this limit, only critical notifications are
   * accepted.
   */
  readonly maxBytes: number;
  /** The number of entries that are in `spool/` and not in the journal yet. */
  readonly spooled: number;
  /** The times when the entries in `spool/` were enqueued. */
  readonly spooledTimes: readonly number[];
  readonly possibleDuplicates: number;
  readonly lastDelivery?: number;
}

/** The queue in `stateDir/queue`. */
export class Queue implements Disposable {
  readonly directory: string;
  /** The lock that the deliverer (the process that sends the entries) holds. */
  readonly deliverLock: FileLock;
  /**
   * The lock of the background process that delivers entries. The process holds this lock until it
   * exits, even while it waits for `deliverLock`.
   */
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
  /** The new state while the journal is read again from its beginning; otherwise undefined. */
  #successor: QueueState | undefined;

  private constructor(stateDir: string, runtime: QueueRuntime, options: QueueOptions) {
    const { files = denoFiles, onDamage, onReserveUsed = () => {} } = options;
    const directory = `${stateDir}/queue`;
    const reserve = new Reserve(directory, files, onReserveUsed);
    const quarantine = new Quarantine(directory, { files, runtime, onDamage });
    const parts = { files, reserve, quarantine };
    const spool = new Spool(directory, parts);
    const journal = new Journal(directory, { ...parts, listener: this.#listener() }, runtime);
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
    });
    this.deliverLock = new FileLock(files, `${directory}/deliver.lock`);
    this.backgroundLock = new FileLock(files, `${directory}/background.lock`);
  }

  /**
   * Opens and reads the queue, but does not write files. If the directory does not exist, the queue
   * is empty.
   *
   * @throws {StorageError} if the queue cannot be read
   */
  static open(stateDir: string, runtime: QueueRuntime, options: QueueOptions = {}): Queue {
    const queue = new Queue(stateDir, runtime, options);
    queue.refresh();
    return queue;
  }

  /**
   * The state of the queue when the journal was last read. {@linkcode Queue.refresh} can replace
   * this object, so read `state` again after each `await`.
   */
  get state(): ReadonlyQueueState {
    return this.#state;
  }

  /** The number of bytes that were read from the journal. */
  get bytes(): number {
    return this.#journal.bytes;
  }

  /**
   * Reads the new records of the journal. If another process replaced the journal and the new
   * journal cannot be read, the state is not changed.
   *
   * @throws {StorageError} if the journal cannot be read
   */
  refresh(): void {
    this.#journal.read();
  }

  /** Applies the records of the journal. The state is replaced only after a complete read. */
  #listener(): JournalListener {
    return {
      restart: () => this.#successor = this.#state.successor(),
      record: (record, bytes) => (this.#successor ?? this.#state).apply(record, bytes),
      end: () => {
        this.#state = this.#successor ?? this.#state;
        this.#successor = undefined;
      },
    };
  }

  /**
   * Collects the numbers that `status` prints.
   *
   * @throws {StorageError} if `spool/` or `quarantine/` cannot be read
   */
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
   * Creates the queue directory. Call `prepare` before the first write or lock.
   *
   * @throws {StorageError} if the directory cannot be created
   */
  prepare(): void {
    mapFileErrors(`create the queue directory ${this.directory}`, () => this.#files.makeDirectory(this.directory));
  }

  /** Returns true if the queue directory exists. */
  exists(): boolean {
    return mapFileErrors(`open the queue ${this.directory}`, () => this.#files.exists(this.directory));
  }

  /** Returns true if there is no background process for deliveries. */
  needsBackground(): boolean {
    using lock = this.backgroundLock.tryAcquire();
    return lock !== undefined;
  }

  /**
   * Enqueues envelopes durably, in one write. An envelope is a notification for one destination. If
   * `leavesNow` returns true for a request, the first attempt is announced in the same write as the
   * entry. A message that is delivered at the first attempt then needs only one `fdatasync`. If the
   * journal cannot be locked or written, the entries are written to `spool/`. If the disk is full,
   * `reserve.bin` (a file that reserves disk space) is removed, and the write is repeated.
   *
   * @returns the entries; for a duplicate, the entry that was enqueued first
   * @throws {StorageError} if the disk refuses the write, or the queue is full; no new entry is
   * then in the queue
   * @throws {InvalidNotificationError} if a notification is too long for a line of the journal
   */
  enqueue(requests: readonly EnqueueRequest[], leavesNow: (request: EnqueueRequest) => boolean): Promise<Enqueued> {
    return this.#enqueuer.enqueue(requests, leavesNow);
  }

  /**
   * Moves the entries in `spool/` to the journal, oldest first. `spool/` contains entries that
   * could not be written to the journal earlier. If the move fails, do not deliver entries, because
   * `spool/` can contain older entries than the journal.
   *
   * @throws {StorageError} if the journal cannot be written, or `spool/` cannot be read or emptied;
   * the entries then remain in `spool/`
   */
  importSpool(): Promise<void> {
    return this.#enqueuer.importSpool();
  }

  /**
   * Creates the reserve (a file that reserves disk space). This is slow. Do not call this method
   * while a caller waits for a delivery.
   */
  keepReserve(): void {
    this.#reserve.keep();
  }

  /** Syncs the directory of the journal, so that the journal file survives a power cut. */
  syncName(): void {
    this.#journal.syncName();
  }

  /**
   * Creates one batch for each request. The entries of a batch are sent in one message. The new
   * records are not synced yet. {@linkcode Queue.announce} syncs them before the batches are sent.
   */
  async batch(requests: readonly BatchRequest[]): Promise<void> {
    const options = this.#newEntryOptions();
    await this.#append(requests.flatMap((request) => batchRecords(request, options)), "none");
  }

  /**
   * Announces one attempt for each entry, durably. Call this method before the attempts start.
   *
   * @returns the entries that are still in the queue; another process can have removed some of them
   */
  async announce(entries: readonly Entry[]): Promise<Entry[]> {
    await this.#append(attemptRecords(entries, this.#runtime.now()), "data");
    return entries.map(({ id }) => this.#state.entry(id)).filter((entry) => entry !== undefined);
  }

  /** Records that announced attempts did not start. */
  async withdraw(entries: readonly Entry[]): Promise<void> {
    await this.#append(withdrawalRecords(entries, this.#runtime.now()), "none");
  }

  /**
   * Records for each entry that the outcome of its last attempt is unknown, because the process
   * that made the attempt was killed. The entries are not tried again before `next`.
   */
  async abandon(entries: readonly Entry[], next: number): Promise<void> {
    await this.#append(killedRecords(entries, this.#runtime.now(), next), "none");
  }

  /**
   * Records the result of an attempt. Syncs the record of a dead letter, and the record of a
   * delivery if `isProof` is true. A power cut can remove any other record. matrix-notify then
   * repeats the attempt. Set `isProof` if the service cannot detect that an attempt is repeated.
   */
  async recordResult(entry: Entry, result: AttemptResult, { isProof }: { readonly isProof: boolean }): Promise<void> {
    const durability = result.state === "dead" || (result.state === "delivered" && isProof) ? "data" : "none";
    await this.#append(resultRecords(entry, result, this.#runtime.now()), durability);
  }

  /** Records deliveries in one write. The records are not synced: a power cut can remove them. */
  async recordDeliveries(deliveries: readonly { readonly entry: Entry; readonly result: AttemptResult }[]) {
    const time = this.#runtime.now();
    await this.#append(deliveries.flatMap(({ entry, result }) => resultRecords(entry, result, time)), "none");
  }

  /**
   * Moves expired entries to the dead letters and enqueues notices about them, in one write. After
   * a crash, the queue contains either both changes or no change.
   *
   * @param notices notifications about the expired entries, each for one destination; the size
   * limit of the queue does not apply to notices
   */
  async expire(expired: readonly ExpiredEntry[], notices: readonly EnqueueRequest[]): Promise<void> {
    await this.#append(expiryRecords(expired, notices, this.#newEntryOptions()), "data");
  }

  /**
   * Asks the deliverer (the process that sends entries) to try all entries now. The deliverer can
   * be this process or another process.
   *
   * @param reach which waits end; see {@linkcode FlushReach}
   */
  async requestFlush(reach: FlushReach = "backoff"): Promise<void> {
    await this.#append([flushRecord(this.#runtime.now(), reach)], "none");
  }

  /** Makes entries and dead letters due now, and gives them a new time of expiry. */
  async retry(entries: readonly Entry[], ttlMs: number): Promise<void> {
    if (entries.length > 0) await this.#append(retryRecords(entries, this.#runtime.now(), ttlMs), "directory");
  }

  /**
   * Replaces a rejected entry with a note that reports the rejection. The rejected entry is removed
   * and does not become a dead letter. The size limit of the queue does not apply to the note.
   */
  async replaceRejected(rejected: Entry, note: EnqueueRequest): Promise<void> {
    await this.#append(replacementRecords(rejected, note, this.#newEntryOptions()), "data");
  }

  /**
   * Removes entries permanently, and deletes files that no remaining entry needs.
   *
   * @param reason `isUnneeded` is true if no user removed the entries, but matrix-notify itself
   */
  async drop(entries: readonly Entry[], reason: { readonly isUnneeded?: true } = {}): Promise<void> {
    if (entries.length > 0) await this.#append(dropRecords(entries, this.#runtime.now(), reason), "directory");
    if (entries.some(({ files }) => files)) await this.sweepAttachments();
  }

  /**
   * Ends the last line of the journal with a line feed, if the line feed is missing. If the line is
   * otherwise complete, it can then be read.
   */
  async seal(): Promise<void> {
    await this.#append([], "none");
  }

  /** Returns true if a compaction makes the journal much shorter. */
  isWorthCompacting(): boolean {
    return isWorthCompacting(this.bytes, this.#state.keptBytes);
  }

  /**
   * Compacts the journal if the compaction makes it much shorter. Call this method only while this
   * process holds `deliver.lock`.
   *
   * @returns true if the journal was compacted
   * @throws {StorageError} if the compaction fails; the state of the journal is then unchanged
   */
  async compact(): Promise<boolean> {
    if (!this.isWorthCompacting()) return false;
    const now = this.#runtime.now();
    const header = { time: now, host: this.#runtime.hostname() };
    await this.#journal.compact(
      () => {
        this.refresh();
        return this.#state.snapshot(header);
      },
      createAckFilter(() => this.#state, now),
    );
    this.refresh();
    return true;
  }

  /**
   * Creates an object that stores files before their entries are enqueued.
   *
   * @throws {StorageError} if the directory cannot be created
   */
  async stageFiles(): Promise<StagedFiles> {
    const { AttachmentStore } = await import("./attachments/store.ts");
    return new AttachmentStore(this.#stateDir, this.#files).stage(this.#runtime.uuid);
  }

  /**
   * Deletes the files that no entry needs. Syncs the journal before the deletion. Without the sync,
   * a power cut could restore an entry whose file is deleted.
   *
   * @throws {StorageError} if the journal cannot be synced or a file cannot be deleted; the next
   * call tries again
   */
  async sweepAttachments(): Promise<void> {
    const directory = attachmentsDirectory(this.#stateDir);
    if (!mapFileErrors(`read ${directory}`, () => this.#files.exists(directory))) return;
    const { AttachmentStore } = await import("./attachments/store.ts");
    const inState = () => this.#state.fileNames();
    await new AttachmentStore(this.#stateDir, this.#files).sweep(new Set(inState()), async () => {
      // At the same time, another process may move entries from `spool/` to the journal. It writes
      // the journal first, and then removes the file in `spool/`. Therefore no entry is missed if
      // `spool/` is read before the journal.
      const inSpool = this.#spool.list(this.#runtime.now()).flatMap(({ records }) => records);
      await this.#journal.exclusively(() => this.#journal.sync());
      this.refresh();
      return new Set([...inState(), ...inSpool.flatMap(({ files = [] }) => files)]);
    });
  }

  /**
   * Reads the journal one last time. If there is nothing more to deliver, releases `deliver.lock`.
   * No process can enqueue entries between the reading and the release. Therefore no new entry is
   * missed: either this process reads the entry, or the process that enqueued it can get
   * `deliver.lock`.
   *
   * @param lock `deliver.lock`
   * @param more returns true if there is more to deliver
   * @returns true if the lock was released
   */
  leaveDelivery(lock: HeldLock, more: () => boolean): Promise<boolean> {
    return this.#journal.exclusively(() => {
      this.refresh();
      if (more()) return false;
      lock.release();
      return true;
    });
  }

  /** Releases the locks, also those that a call in progress holds. */
  [Symbol.dispose](): void {
    this.deliverLock[Symbol.dispose]();
    this.backgroundLock[Symbol.dispose]();
  }

  #newEntryOptions() {
    return { time: this.#runtime.now(), uuid: this.#runtime.uuid };
  }

  async #append(records: readonly JournalRecord[], durability: Durability): Promise<void> {
    await this.#journal.append(records, durability);
    this.#journal.readAppended();
  }
}
