/**
 * The queue: entries are enqueued, announced and settled. Its invariant:
 *
 * > When {@linkcode Queue.enqueue} resolves, its entries survive a power cut. When it rejects, none
 * > of them is in the queue, unless the disk refuses even to take back what it did not confirm.
 *
 * ```text
 * each call ──append──> journal ──refresh──> state
 *
 * call          records      synced     after a power cut
 * enqueue       enq (+ att)  fdatasync  is there
 * announce      att          fdatasync  is there; only now the attempt leaves
 * recordResult  ack, nack    no         may be lost: one more attempt with the same txnId
 *               dead         fdatasync  is there
 * ```
 *
 * The disk is the truth. This object is a reading of it, which {@linkcode Queue.refresh} brings up
 * to date. Any number of processes may enqueue. The holder of `deliver.lock` delivers.
 *
 * @module
 */

import { mapFileErrors } from "../runtime/file_errors.ts";
import { FileLock } from "../runtime/file_lock.ts";
import { denoFiles, type Files } from "../runtime/files.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { StagedFiles } from "./attachments/store.ts";
import { isKept, isWorthCompacting } from "./compaction.ts";
import { type Enqueued, Enqueuer, type EnqueueRequest, toRecord } from "./enqueue.ts";
import type { Entry } from "./entry.ts";
import { type AttemptResult, killedRecord, resultRecords, withdrawalRecord } from "./entry_transitions.ts";
import { type Durability, Journal } from "./journal.ts";
import { MAX_QUEUE_BYTES } from "./limits.ts";
import { Quarantine, type QuarantineFigures } from "./quarantine.ts";
import type { JournalRecord } from "./record.ts";
import { Reserve } from "./reserve.ts";
import { Spool } from "./spool.ts";
import { QueueState, type ReadonlyQueueState } from "./state.ts";

/** What the queue needs of the runtime. */
export type QueueRuntime = Pick<Runtime, "now" | "sleep" | "random" | "hostname" | "uuid">;

/** Options of {@linkcode Queue.open}. */
export interface QueueOptions {
  /** @default the real file system */
  readonly files?: Files;
  /** Gets the path of each damaged line or file that was copied to the quarantine. */
  readonly onDamage?: (path: string) => void;
  /** Is called when the disk is full and the reserve was removed. */
  readonly onReserveUsed?: () => void;
}

/** An entry that was not delivered in time. */
export interface ExpiredEntry {
  readonly entry: Entry;
  readonly reason: string;
}

/** Numbers about the queue. Times are in milliseconds since 1970. */
export interface QueueFigures extends QuarantineFigures {
  /** Bytes of the journal. */
  readonly bytes: number;
  /** The size up to which the journal takes new entries. */
  readonly maxBytes: number;
  /** Entries in `spool/`, which could not be appended to the journal yet. */
  readonly spooled: number;
  /** When each of them was enqueued. */
  readonly spooledTimes: readonly number[];
  readonly possibleDuplicates: number;
  readonly lastDelivery?: number;
}

/** The queue in `stateDir/queue`. */
export class Queue {
  readonly directory: string;
  /** Held by the deliverer. */
  readonly deliverLock: FileLock;
  /** Held by the background deliverer for its whole life, also while it waits for `deliverLock`. */
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
   * Opens the queue and reads it. Writes nothing. If the directory does not exist, the queue is
   * empty.
   *
   * @throws {StorageError} if the queue cannot be read
   */
  static open(stateDir: string, runtime: QueueRuntime, options: QueueOptions = {}): Queue {
    const queue = new Queue(stateDir, runtime, options);
    queue.refresh();
    return queue;
  }

  /**
   * The state as of the last reading. {@linkcode Queue.refresh} may replace it, so do not keep it
   * across an `await`.
   */
  get state(): ReadonlyQueueState {
    return this.#state;
  }

  /** Bytes of the journal that were read. They grow with every change. */
  get bytes(): number {
    return this.#journal.bytes;
  }

  /**
   * Reads what is new in the journal. If the journal was replaced and the new one cannot be read,
   * the state remains unchanged.
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
   * Creates the directory. Call this before anything is written or locked.
   *
   * @throws {StorageError} if that fails
   */
  prepare(): void {
    mapFileErrors(`make the queue directory ${this.directory}`, () => this.#files.makeDirectory(this.directory));
  }

  /** Whether the directory exists. */
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

  /** Whether no background deliverer runs. */
  needsBackground(): boolean {
    if (!this.backgroundLock.tryAcquire()) return false;
    this.backgroundLock.release();
    return true;
  }

  /**
   * Enqueues envelopes durably, in one write. Entries for which `leavesNow` is true are announced
   * in the same write, so that a delivered message costs one `fdatasync`. If the journal's lock or
   * disk hangs, they are written to `spool/`. If the disk is full, the reserve is used first.
   *
   * @returns the entries; for a duplicate, the entry that was enqueued first
   * @throws {StorageError} if the disk refuses, or the queue is at its limit; then none of them is
   * in the queue
   * @throws {InvalidNotificationError} if a line would be too long
   */
  enqueue(requests: readonly EnqueueRequest[], leavesNow: (request: EnqueueRequest) => boolean): Promise<Enqueued> {
    return this.#enqueuer.enqueue(requests, leavesNow);
  }

  /**
   * Moves what waits in `spool/` to the journal, the oldest first. The deliverer must not deliver
   * while this fails, because older entries may wait there.
   *
   * @throws {StorageError} if the journal cannot be written yet, or `spool/` cannot be read or
   * emptied; the entries stay there
   */
  importSpool(): Promise<void> {
    return this.#enqueuer.importSpool();
  }

  /** Creates the reserve for a full disk. It takes time, so do not call it while a sender waits. */
  keepReserve(): void {
    this.#reserve.keep();
  }

  /** Makes the name of the journal durable, so that a power cut cannot lose what was enqueued. */
  syncName(): void {
    this.#journal.syncName();
  }

  /**
   * Makes a batch of each group: waiting entries of one lane. The batch is durable once it is
   * announced, which is before it leaves.
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
   * Announces attempts durably, before they leave.
   *
   * @returns the entries, without those that were dropped or cancelled meanwhile
   */
  async announce(entries: readonly Entry[]): Promise<Entry[]> {
    const time = this.#runtime.now();
    await this.#append(entries.map(({ id, attempts }) => ({ t: "att", id, n: attempts + 1, time })), "data");
    return entries.map(({ id }) => this.#state.entry(id)).filter((entry) => entry !== undefined);
  }

  /** Withdraws announcements of attempts that did not leave. */
  async withdraw(entries: readonly Entry[]): Promise<void> {
    const time = this.#runtime.now();
    await this.#append(entries.map((entry) => withdrawalRecord(entry, time)), "none");
  }

  /**
   * Records that attempts are in doubt because their deliverer was killed. They are not tried again
   * before `next`.
   */
  async abandon(entries: readonly Entry[], next: number): Promise<void> {
    const time = this.#runtime.now();
    await this.#append(entries.map((entry) => killedRecord(entry, time, next)), "none");
  }

  /**
   * Records the result of an attempt. It is synced only for a dead letter, or if `isProof`:
   * otherwise a lost line costs one more attempt, which the service recognises.
   */
  async recordResult(entry: Entry, result: AttemptResult, { isProof }: { readonly isProof: boolean }): Promise<void> {
    const durability = result.state === "dead" || (result.state === "delivered" && isProof) ? "data" : "none";
    await this.#append(resultRecords(entry, result, this.#runtime.now()), durability);
  }

  /**
   * Moves expired entries to the dead letters and enqueues notices about them, in one write: after
   * a crash there are both, or none.
   *
   * @param notices envelopes that report the expired entries; the size limit does not apply to them
   */
  async expire(expired: readonly ExpiredEntry[], notices: readonly EnqueueRequest[]): Promise<void> {
    const time = this.#runtime.now();
    await this.#append([
      ...expired.map(({ entry: { id }, reason }): JournalRecord => ({ t: "dead", id, time, reason, expired: true })),
      ...notices.map((request): JournalRecord => toRecord(request, this.#runtime.uuid(), time)),
    ], "data");
  }

  /** Asks the deliverer, in this process or another, to try everything now. */
  async requestFlush(): Promise<void> {
    await this.#append([{ t: "flush", time: this.#runtime.now() }], "none");
  }

  /** Makes entries due now, also dead letters, and sets a new expiry. */
  async retry(entries: readonly Entry[], ttlMs: number): Promise<void> {
    const time = this.#runtime.now();
    if (entries.length === 0) return;
    const records = entries.map(({ id }): JournalRecord => ({ t: "retry", id, time, expires: time + ttlMs }));
    await this.#append([...records, { t: "flush", time }], "directory");
  }

  /** Removes entries for good, and the files that no other entry needs. */
  async drop(entries: readonly Entry[]): Promise<void> {
    const time = this.#runtime.now();
    if (entries.length > 0) await this.#append(entries.map(({ id }) => ({ t: "drop", id, time })), "directory");
    if (entries.some(({ files }) => files)) await this.sweepAttachments();
  }

  /** Seals a torn last line, so that a whole line without its line feed counts. */
  async seal(): Promise<void> {
    await this.#append([], "none");
  }

  /**
   * Compacts the journal if that is worth it. Only the deliverer may call this.
   *
   * @returns whether it was compacted
   * @throws {StorageError} if that fails; the state of the journal is unchanged
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
      // The kept lines follow the snapshot and are read again. The `ack` of an entry that still
      // waits would remove it.
      (record) => isKept(record, now) && this.#state.entry(record.id) === undefined,
    );
    this.refresh();
    return true;
  }

  /**
   * Stages files that entries are going to need.
   *
   * @throws {StorageError} if the directory cannot be created
   */
  async stageFiles(): Promise<StagedFiles> {
    const { AttachmentStore } = await import("./attachments/store.ts");
    return new AttachmentStore(this.#stateDir, this.#files).stage(this.#runtime.uuid);
  }

  /**
   * Removes the files that no entry needs. The records that say so are synced first: a power cut
   * must not bring back an entry whose file is gone.
   *
   * @throws {StorageError} if the journal or the disk refuses; the next call tries again
   */
  async sweepAttachments(): Promise<void> {
    const { AttachmentStore } = await import("./attachments/store.ts");
    const inState = () => this.#state.fileNames();
    await new AttachmentStore(this.#stateDir, this.#files).sweep(new Set(inState()), async () => {
      // An import writes the journal before it removes the spool file. So read the spool first, to
      // see each name at least once.
      const inSpool = this.#spool.list(this.#runtime.now()).flatMap(({ records }) => records);
      const spooledNames = inSpool.flatMap(({ files = [] }) => files);
      await this.#journal.exclusively(() => this.#journal.sync());
      this.refresh();
      return new Set([...inState(), ...spooledNames]);
    });
  }

  /**
   * Releases `deliver.lock`, unless `more` finds work in a last look at the journal. No process can
   * enqueue between the look and the release. So a process that finds the lock held can rely on its
   * holder.
   *
   * @returns whether the lock was released
   */
  leaveDelivery(more: () => boolean): Promise<boolean> {
    return this.#journal.exclusively(() => {
      this.refresh();
      if (more()) return false;
      this.deliverLock.release();
      return true;
    });
  }

  async #append(records: readonly JournalRecord[], durability: Durability): Promise<void> {
    await this.#journal.append(records, durability);
    this.refresh();
  }
}
