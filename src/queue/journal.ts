/**
 * The journal on disk. Its invariant:
 *
 * > When an append has resolved, its records are in the journal. Only a compaction (a rewrite of
 * > the journal) removes records. A compaction does not change the state.
 *
 * ```text
 * append, under `lock`:
 *   last byte is not LF  ->  first write LF, which seals (ends) the torn line of another process
 *   one write            ->  failed or partial: truncate to the old size; the caller gets an error
 *                            disk full: truncate, remove reserve.bin, write again
 *   fdatasync            ->  failed: truncate, no retry (a second fdatasync on this descriptor
 *                            would report success although the bytes are lost)
 *   fsync of directory   ->  failed: truncate; on success the name of the journal is durable too
 *   read the new lines of other processes, then apply the own lines
 *   unlock
 *
 * time of a crash         what the append leaves in the file
 *   before the write      nothing
 *   during the write      a torn (half-written) line without its checksum
 *   before fdatasync      whole lines that may or may not be on the disk
 *   after fdatasync       whole lines that are on the disk
 * ```
 *
 * {@linkcode JournalReader} can read the file in all of these cases.
 *
 * Concurrent callers in one process share an append: all records that wait for the lock are written
 * with one write and one sync.
 *
 * @module
 */

import { formatBytes } from "../base/count.ts";
import { StorageError } from "../base/errors.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { mapFileErrors } from "../runtime/file_errors.ts";
import { FileLock } from "../runtime/file_lock.ts";
import type { Files, OpenFile } from "../runtime/files.ts";
import { compactFile } from "./compaction.ts";
import { encodeRecord } from "./journal_line.ts";
import type { Quarantine } from "./quarantine.ts";
import { type DamagedLine, JournalReader } from "./reader.ts";
import type { JournalRecord } from "./record.ts";
import type { Reserve } from "./reserve.ts";

/**
 * How an append is written to the disk. `none`: without a sync, so a power cut can remove the
 * records. `data`: with fdatasync, so the records survive a power cut. `directory`: also with fsync
 * of the directory, so that the name of a new journal file survives too.
 */
export type Durability = "none" | "data" | "directory";

export type JournalRuntime = Pick<Runtime, "now" | "sleep" | "random" | "hostname">;

/** The maximum time that an append waits for the lock, in milliseconds. */
const LOCK_TIMEOUT_MS = 5000;

/** All values of {@linkcode Durability}, from the weakest to the strongest. */
const DURABILITIES: readonly Durability[] = ["none", "data", "directory"];

const LF = 0x0a;
const LINE_FEED = Uint8Array.of(LF);
const NOTHING = new Uint8Array();

/** Receives the records of a journal. */
export interface JournalListener {
  /**
   * Called before the journal is read again from its beginning. When `end` is called next, the
   * listener must forget all records that it received before `restart`.
   */
  restart(): void;
  /** @param bytes the length of the record's line */
  record(record: JournalRecord, bytes: number): void;
  /** Called when all new records were read. */
  end(): void;
}

/** A record, and its line with the line feed. */
interface OwnLine {
  readonly record: JournalRecord;
  readonly bytes: Uint8Array;
}

/** The lines of one caller that wait to be appended. */
interface WaitingAppend {
  readonly lines: readonly OwnLine[];
  readonly durability: Durability;
  readonly maxBytes: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface JournalOptions {
  readonly listener: JournalListener;
  readonly files: Files;
  readonly quarantine: Quarantine;
  /** The reserve (a file that reserves disk space), which is removed if the disk is full. */
  readonly reserve: Reserve;
}

/** The journal file `queue.jsonl`. */
export class Journal {
  readonly #directory: string;
  readonly #files: Files;
  readonly #quarantine: Quarantine;
  readonly #reserve: Reserve;
  readonly #listener: JournalListener;
  readonly #runtime: JournalRuntime;
  readonly #lock: FileLock;
  #reader = new JournalReader();
  /** The identity of the journal file when this process last synced the directory. */
  #namedOnDisk: string | undefined;
  /** The identity of the journal file that was read last. */
  #identity: string | undefined;
  /**
   * The creation time of the journal file that was read last. This time and an offset in the file
   * together identify a line.
   */
  #born = 0;
  /** Resolves when all earlier tasks of this process have released the lock. */
  #turn: Promise<void> = Promise.resolve();
  /** The appends that wait for the lock. */
  #waiting: WaitingAppend[] = [];
  /** True if lines of this process were appended, but could not be read yet. */
  #isBehind = false;

  constructor(directory: string, { files, quarantine, reserve, listener }: JournalOptions, runtime: JournalRuntime) {
    this.#directory = directory;
    this.#files = files;
    this.#quarantine = quarantine;
    this.#reserve = reserve;
    this.#listener = listener;
    this.#runtime = runtime;
    this.#lock = new FileLock(files, `${directory}/lock`);
  }

  get path(): string {
    return `${this.#directory}/queue.jsonl`;
  }

  /** The number of bytes that were read from the journal. */
  get bytes(): number {
    return this.#reader.offset;
  }

  /**
   * The length of the half-written line at the end of the file when it was last read, in bytes; 0
   * if there was none.
   */
  get tornBytes(): number {
    return this.#reader.tornBytes;
  }

  /**
   * Reads all new records since the last call, and copies damaged lines to `quarantine/`.
   *
   * @throws {StorageError} if the journal cannot be read
   */
  read(): void {
    mapFileErrors(`read the queue ${this.path}`, () => {
      using file = this.#openToRead();
      if (file !== undefined) this.#read(file);
    });
  }

  /**
   * Reads the lines that this process appended. Does nothing if the lines were already read during
   * the append.
   *
   * @throws {StorageError} if the journal cannot be read
   */
  readAppended(): void {
    if (this.#isBehind) this.read();
  }

  #read(file: OpenFile, { identity, size } = file.stat()): void {
    this.#isBehind = true;
    this.#follow(file, identity);
    this.#reader.read(file, {
      record: (record, line) => {
        if (record.t === "hdr") this.#born = record.time;
        this.#listener.record(record, line.length + 1);
      },
      unknown() {},
      damaged: (line) => this.#tryToQuarantine(file, line),
    }, size);
    this.#identity = identity;
    this.#isBehind = false;
    this.#listener.end();
  }

  /**
   * Restarts at the beginning if a compaction replaced the file, or if a writer removed lines that
   * were already read. If reading the new file fails, the next call restarts again.
   */
  #follow(file: OpenFile, identity: string): void {
    if (this.#identity !== undefined && (this.#identity !== identity || !this.#reader.continues(file))) {
      this.#identity = "";
      this.#reader = new JournalReader();
      this.#listener.restart();
    }
  }

  /**
   * Replaces the journal with a shorter journal that has the same state.
   *
   * @param snapshot returns the records that restore the current state
   * @param keep returns true if the line of this record must be copied from the old journal to the
   * new one; not called for lines of unknown types, which are always copied
   * @throws {StorageError} if the compaction fails; the state of the journal is then unchanged
   */
  async compact(snapshot: () => Iterable<JournalRecord>, keep: (record: JournalRecord) => boolean): Promise<void> {
    await this.exclusively(() =>
      mapFileErrors(`compact the queue ${this.path}`, () => {
        this.#write([], "none", Infinity);
        const damaged = (source: OpenFile, line: DamagedLine) =>
          this.#quarantine.copy({ source, line, born: this.#born, isRemoved: true });
        compactFile(this.#files, this.path, { snapshot: snapshot(), keep, damaged });
      })
    );
  }

  /**
   * Appends records in one write, and applies them to the state. If the list is empty, only ends a
   * torn (half-written) line with a line feed.
   *
   * @param maxBytes the largest allowed size of the journal
   * @throws {StorageError} if the append fails; no new record is then in the journal
   */
  async append(records: readonly JournalRecord[], durability: Durability, maxBytes = Infinity): Promise<void> {
    const lines = records.map((record) => ({ record, bytes: encodeRecord(record) }));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ lines, durability, maxBytes, resolve, reject });
    if (this.#waiting.length === 1) {
      this.exclusively(() => this.#appendTogether(this.#takeWaiting())).catch((error) => {
        for (const { reject } of this.#takeWaiting()) reject(error);
      });
    }
    await promise;
  }

  #takeWaiting(): readonly WaitingAppend[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }

  /**
   * Appends the records of several callers in one write, with one sync. If there is not enough
   * space for all records, appends the records of each caller separately.
   */
  #appendTogether(callers: readonly WaitingAppend[]): void {
    const lines = callers.flatMap(({ lines }) => lines);
    const durability = DURABILITIES[Math.max(...callers.map(({ durability }) => DURABILITIES.indexOf(durability)))];
    const maxBytes = Math.min(...callers.map(({ maxBytes }) => maxBytes));
    const write = () =>
      mapFileErrors(`write the queue ${this.path}`, () => this.#write(lines, durability, maxBytes), "write-failed");
    try {
      this.#reserve.during(write);
      for (const { resolve } of callers) resolve();
    } catch (error) {
      const isTooMuch = error instanceof StorageError && (error.code === "disk-full" || error.code === "queue-full");
      if (callers.length > 1 && isTooMuch) { for (const caller of callers) this.#appendTogether([caller]); }
      else for (const { reject } of callers) reject(error);
    }
  }

  /**
   * Runs a function while this process holds the lock. During this time, no other process can
   * append to the journal.
   *
   * @throws {StorageError} if another process does not release the lock in time
   */
  exclusively<Result extends boolean | void>(work: () => Result): Promise<Result> {
    const result = this.#turn.then(async () => {
      using lock = await this.#lock.acquire(LOCK_TIMEOUT_MS, this.#runtime);
      if (lock === undefined) {
        throw new StorageError(
          "locked",
          `Cannot lock the queue in ${this.#directory}: another process has held the lock for ${
            LOCK_TIMEOUT_MS / 1000
          } s`,
        );
      }
      return work();
    });
    this.#turn = result.then(() => {}, () => {});
    return result;
  }

  #write(lines: readonly OwnLine[], durability: Durability, maxBytes: number): void {
    using file = this.#files.open(this.path, "append");
    const { size, identity } = file.stat();
    const isNew = size === 0;
    const isNext = !isNew && this.#hasRead(file, identity, size);
    const first = isNew
      ? encodeRecord({ t: "hdr", time: this.#runtime.now(), host: this.#runtime.hostname() })
      : isNext || endsInLineFeed(file, size)
      ? NOTHING
      : LINE_FEED;
    const bytes = concatenate([first, ...lines.map(({ bytes }) => bytes)]);
    if (size + bytes.length > maxBytes) {
      const limit = formatBytes(maxBytes);
      throw new StorageError("queue-full", `Cannot queue in ${this.path}: the file has reached its limit of ${limit}`);
    }
    const needsName = durability === "directory" && identity !== this.#namedOnDisk;
    if (bytes.length > 0) {
      try {
        appendWhole(file, bytes);
        if (durability !== "none") file.syncData();
        if (durability !== "none" && (isNew || needsName)) this.#syncName(file);
      } catch (error) {
        takeBack(file, size);
        throw error;
      }
    }
    try {
      if (isNext) this.#apply(lines);
      else this.#read(file, { identity, size: size + bytes.length });
    } catch {
      // The lines are in the file, so the append must not fail. The next call reads the lines.
    }
  }

  /** Returns true if this process has read exactly the first `size` bytes of the file. */
  #hasRead(file: OpenFile, identity: string, size: number): boolean {
    return this.#identity === identity && this.#reader.offset === size &&
      (this.#reader.endsWithOwnLine || this.#reader.continues(file));
  }

  /**
   * Applies lines that this process appended, without reading the lines from the file. All earlier
   * lines must have been read.
   */
  #apply(lines: readonly OwnLine[]): void {
    for (const { record, bytes } of lines) {
      this.#listener.record(this.#reader.pass(record, bytes), bytes.length);
    }
    this.#listener.end();
  }

  /** Syncs all lines that were written so far, including the lines of other processes. */
  sync(): void {
    mapFileErrors(`write the queue ${this.path}`, () => {
      using file = this.#files.open(this.path, "append");
      file.syncData();
      this.#syncName(file);
    }, "write-failed");
  }

  /** Syncs the directory if this process has not yet synced it for the current journal file. */
  syncName(): void {
    if (this.#identity !== undefined && this.#identity === this.#namedOnDisk) return;
    mapFileErrors(`write the queue ${this.path}`, () => {
      using file = this.#openToRead();
      if (file !== undefined && file.stat().identity !== this.#namedOnDisk) this.#syncName(file);
    });
  }

  #syncName(file: OpenFile): void {
    this.#files.syncDirectory(this.#directory);
    this.#namedOnDisk = file.stat().identity;
  }

  #openToRead(): OpenFile | undefined {
    try {
      return this.#files.open(this.path, "read");
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  /**
   * Copies a damaged line to the quarantine. Ignores errors, because the line remains in the
   * journal and the next reader tries again.
   */
  #tryToQuarantine(source: OpenFile, line: DamagedLine): void {
    try {
      this.#quarantine.copy({ source, line, born: this.#born, isRemoved: false });
    } catch {
      return;
    }
  }
}

function endsInLineFeed(file: OpenFile, size: number): boolean {
  const last = new Uint8Array(1);
  return file.read(last, size - 1) === 1 && last[0] === LF;
}

/** Appends bytes in one write. Throws if only a part is written, because the disk is then full. */
function appendWhole(file: OpenFile, bytes: Uint8Array): void {
  if (file.append(bytes) === bytes.length) return;
  throw new StorageError("disk-full", "Cannot write the queue: no space is left on the disk");
}

/**
 * Removes the bytes of a failed append. If the removal fails, the next append ends the torn
 * (half-written) line with a line feed.
 */
function takeBack(file: OpenFile, size: number): void {
  try {
    file.truncate(size);
  } catch {
    return;
  }
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
