/**
 * The journal on disk: what was acknowledged is in it, and nothing that is in it goes away by accident.
 *
 * ```text
 * append, under `lock`:
 *   last byte is no LF  ->  write LF first: a torn line is sealed, never cut, since its bytes are somebody else's
 *   one write           ->  short or refused: truncate back to where we began; the caller hears that nothing was taken
 *                           no room: the same, and once more with what reserve.bin held
 *   fdatasync           ->  failed: the same; it is never asked again of this descriptor, which would answer with a lie
 *   fsync of directory  ->  failed: the same; done, the name is as durable as the bytes
 *   unlock
 * ```
 *
 * A crash before the write leaves nothing, in the write a torn line without its checksum, after it a whole line that may or may not have
 * reached the disk; only behind fdatasync does anybody say 0. Each state is one that {@linkcode JournalReader} reads.
 *
 * @module
 */

import { StorageError } from "../base/errors.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { compactFile } from "./compaction.ts";
import type { Files, OpenFile } from "../runtime/files.ts";
import { FileLock } from "../runtime/file_lock.ts";
import type { Quarantine } from "./quarantine.ts";
import { type DamagedLine, JournalReader } from "./reader.ts";
import { encodeRecord, type JournalRecord } from "./record.ts";
import type { Reserve } from "./reserve.ts";
import { mapFileErrors } from "../runtime/file_errors.ts";

/**
 * How sure an append must be. `none`: losing it costs a retry with the same txnId. `data`: it survives a power cut.
 * `directory`: so does the name of the file, whatever happened to it just before.
 */
export type Durability = "none" | "data" | "directory";

/** What the journal needs of the runtime. */
export type JournalRuntime = Pick<Runtime, "now" | "sleep" | "random" | "hostname">;

/** How long to wait for another process that appends. */
export const LOCK_TIMEOUT_MS = 5000;

const LF = 0x0a;

/** Who reads a journal. */
export interface JournalListener {
  /** Forget everything: what follows tells it from the beginning. */
  restart(): void;
  /** @param bytes the length of its line */
  record(record: JournalRecord, bytes: number): void;
}

/** What the journal stands on. */
export interface JournalOptions {
  readonly files: Files;
  readonly quarantine: Quarantine;
  /** Room for a write that finds none. */
  readonly reserve: Reserve;
}

/** `queue.jsonl` in its directory. */
export class Journal {
  readonly #directory: string;
  readonly #files: Files;
  readonly #quarantine: Quarantine;
  readonly #reserve: Reserve;
  readonly #runtime: JournalRuntime;
  readonly #lock: FileLock;
  #reader = new JournalReader();
  /** The file whose name this process made durable last. */
  #namedOnDisk: string | undefined;
  /** Which file the reader reads. */
  #identity: string | undefined;
  /** When that file was begun; with an offset it names a line for good. */
  #born = 0;
  /** Resolves when the task before has had its turn. */
  #turn: Promise<void> = Promise.resolve();

  constructor(directory: string, { files, quarantine, reserve }: JournalOptions, runtime: JournalRuntime) {
    this.#directory = directory;
    this.#files = files;
    this.#quarantine = quarantine;
    this.#reserve = reserve;
    this.#runtime = runtime;
    this.#lock = new FileLock(files, `${directory}/lock`);
  }

  /** The journal's path. */
  get path(): string {
    return `${this.#directory}/queue.jsonl`;
  }

  /** Bytes on disk that were read so far. */
  get bytes(): number {
    return this.#reader.offset;
  }

  /** Bytes behind the last line feed that are no record, as of the last reading. */
  get tornBytes(): number {
    return this.#reader.tornBytes;
  }

  /** Hands over every record that is new since the last call; damaged lines are copied to `quarantine/`. */
  read(listener: JournalListener): void {
    mapFileErrors(`read the queue ${this.path}`, () => {
      using file = this.#openToRead();
      if (file === undefined) return;
      const identity = this.#follow(file, listener);
      this.#reader.read(file, {
        record: (record, line) => {
          if (record.t === "hdr") this.#born = record.time;
          listener.record(record, line.length + 1);
        },
        unknown() {},
        damaged: (line) => this.#tryToSetAside(file, line),
      });
      this.#identity = identity;
    });
  }

  /**
   * A compaction put another file in the place of the one that was read, or a writer took back what was read: everything begins anew, and once more when that
   * comes to no end.
   */
  #follow(file: OpenFile, listener: JournalListener): string {
    const identity = file.identity();
    if (this.#identity !== undefined && (this.#identity !== identity || !this.#reader.continues(file))) {
      this.#identity = "";
      this.#reader = new JournalReader();
      listener.restart();
    }
    return identity;
  }

  /**
   * Writes a shorter journal that tells the same, and puts it in the place of this one.
   *
   * @param snapshot what stands for the history
   * @param keep whether an old line is carried over as it is; lines of unknown types always are
   */
  async compact(snapshot: () => Iterable<JournalRecord>, keep: (record: JournalRecord) => boolean): Promise<void> {
    await this.exclusively(() =>
      mapFileErrors(`compact the queue ${this.path}`, () => {
        this.#append([], "none", Infinity);
        const damaged = (source: OpenFile, line: DamagedLine) =>
          this.#quarantine.copy({ source, line, born: this.#born });
        compactFile(this.#files, this.path, { snapshot: snapshot(), keep, damaged });
      })
    );
  }

  /**
   * Appends records in one write. With no records it only seals what a dead writer left behind.
   *
   * @param maxBytes how long the journal may become by it
   * @throws {StorageError} when they were not taken; then none of them was
   */
  async append(records: readonly JournalRecord[], durability: Durability, maxBytes = Infinity): Promise<void> {
    const write = () =>
      mapFileErrors(`write the queue ${this.path}`, () => this.#append(records, durability, maxBytes), "unwritten");
    await this.exclusively(() => this.#reserve.during(write));
  }

  /** Runs something while nobody else appends, neither another process nor another task of this one. */
  exclusively<Result extends boolean | void>(work: () => Result): Promise<Result> {
    const result = this.#turn.then(async () => {
      if (!await this.#lock.acquire(LOCK_TIMEOUT_MS, this.#runtime)) {
        throw new StorageError(
          "busy",
          `Cannot lock the queue in ${this.#directory}: another process has held it for ${LOCK_TIMEOUT_MS / 1000} s`,
        );
      }
      try {
        return work();
      } finally {
        this.#lock.release();
      }
    });
    this.#turn = result.then(() => {}, () => {});
    return result;
  }

  #append(records: readonly JournalRecord[], durability: Durability, maxBytes: number): void {
    using file = this.#files.open(this.path, "append");
    const size = file.size();
    const isNew = size === 0;
    const lines = records.map(encodeRecord);
    if (isNew) lines.unshift(encodeRecord({ t: "hdr", time: this.#runtime.now(), host: this.#runtime.hostname() }));
    else if (!endsInLineFeed(file, size)) lines.unshift(Uint8Array.of(LF));
    if (lines.length === 0) return;
    const bytes = concatenate(lines);
    if (size + bytes.length > maxBytes) {
      const limit = `${Math.round(maxBytes / 2 ** 20)} MiB`;
      throw new StorageError("limit", `Cannot queue in ${this.path}: it has reached its limit of ${limit}`);
    }
    try {
      appendWhole(file, bytes);
      if (durability === "none") return;
      file.syncData();
      if (isNew || durability === "directory") this.#syncName(file);
    } catch (error) {
      takeBack(file, size);
      throw error;
    }
  }

  /** Makes durable whatever anybody wrote so far. */
  sync(): void {
    mapFileErrors(`write the queue ${this.path}`, () => {
      using file = this.#files.open(this.path, "append");
      file.syncData();
      this.#syncName(file);
    }, "unwritten");
  }

  /** Makes the file's name as durable as its bytes, unless this process did so already for this very file. */
  syncName(): void {
    mapFileErrors(`write the queue ${this.path}`, () => {
      using file = this.#openToRead();
      if (file !== undefined && file.identity() !== this.#namedOnDisk) this.#syncName(file);
    });
  }

  #syncName(file: OpenFile): void {
    this.#files.syncDirectory(this.#directory);
    this.#namedOnDisk = file.identity();
  }

  #openToRead(): OpenFile | undefined {
    try {
      return this.#files.open(this.path, "read");
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  /** Reading goes on, whatever becomes of the copy: the line stays in the journal, and the next reader finds it again. */
  #tryToSetAside(source: OpenFile, line: DamagedLine): void {
    try {
      this.#quarantine.copy({ source, line, born: this.#born });
    } catch {
      return;
    }
  }
}

function endsInLineFeed(file: OpenFile, size: number): boolean {
  const last = new Uint8Array(1);
  return file.read(last, size - 1) === 1 && last[0] === LF;
}

/** One write; a disk that takes only a part of it is full. */
function appendWhole(file: OpenFile, bytes: Uint8Array): void {
  if (file.append(bytes) === bytes.length) return;
  throw new StorageError("full", "Cannot write the queue: no space is left on the disk");
}

/** What is not confirmed must not look as if it were. Where even that is refused, the next append seals what lies there. */
function takeBack(file: OpenFile, size: number): void {
  try {
    file.truncate(size);
  } catch {
    return;
  }
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0];
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
