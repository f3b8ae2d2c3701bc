/**
 * `queue/spool`: entries that could not be appended to the journal. This happens if another process
 * hangs while it holds the lock, or if the disk does not confirm the write. Each process writes a
 * new file for each call, and therefore does not need a lock.
 *
 * ```text
 * put:     name.tmp -> write -> fdatasync -> check the size of spool/ -> rename to name
 *          -> fsync of the directory
 * import:  a durable append to the journal -> remove the file -> fsync of the directory
 *          if the process is killed in between, the next import skips ids that are in the journal
 * ```
 *
 * A power cut can undo a deletion that is not synced. The restored file can contain an entry that
 * was delivered long ago. Therefore a process must not rely on a deletion until it has synced the
 * directory.
 *
 * The size of `spool/` includes the `.tmp` files of other processes. Therefore processes that write
 * at the same time cannot exceed the limit together.
 *
 * A damaged file is moved to `quarantine/` after its complete lines are imported. A file that
 * cannot be read for ten minutes is also moved, so that it does not block all other entries. A
 * link, a pipe or a file of another user is moved at once, and is not read.
 *
 * @module
 */

import { formatBytes } from "../base/count.ts";
import { StorageError } from "../base/errors.ts";
import { mapFileErrors } from "../runtime/file_errors.ts";
import { type Files, occupiedBytes, replaceFile } from "../runtime/files.ts";
import { UntrustedError } from "../runtime/trust.ts";
import { encodeRecord } from "./journal_line.ts";
import { MAX_SPOOL_BYTES } from "./limits.ts";
import type { Quarantine } from "./quarantine.ts";
import { JournalReader } from "./reader.ts";
import type { EnqueueRecord } from "./record.ts";
import type { Reserve } from "./reserve.ts";

/**
 * The time for which an unreadable file stops all deliveries, in milliseconds. During this time,
 * the disk may recover.
 */
const UNREADABLE_MS = 600_000;

/**
 * A `.tmp` file of this age (in milliseconds) is a leftover of a killed process. A running process
 * needs only some seconds: it waits for the lock of the journal, and then writes the file.
 */
const LEFTOVER_MS = 600_000;

/** The end of the name of an incomplete file; see `replaceFile`. */
const TEMPORARY_SUFFIX = ".tmp";

/** A file of the spool (entries that could not be written to the journal). */
export interface SpoolFile {
  readonly name: string;
  readonly records: readonly EnqueueRecord[];
  /** True if the file contains data other than entries, or cannot be read. */
  readonly isDamaged: boolean;
}

export interface SpoolParts {
  readonly files: Files;
  readonly reserve: Reserve;
  readonly quarantine: Quarantine;
}

/** The spool of a queue. */
export class Spool {
  readonly #directory: string;
  readonly #files: Files;
  readonly #reserve: Reserve;
  readonly #quarantine: Quarantine;
  #isSynced = false;
  /** False if the directory did not exist at the last call of {@linkcode Spool.list}. */
  #isThere = true;

  /** @param parent the directory in which `spool/` is created when needed */
  constructor(parent: string, { files, reserve, quarantine }: SpoolParts) {
    this.#directory = `${parent}/spool`;
    this.#files = files;
    this.#reserve = reserve;
    this.#quarantine = quarantine;
  }

  /**
   * Writes entries durably, as one file.
   *
   * @param urgentBytes the number of bytes by which these entries may exceed the size limit
   * @throws {StorageError} if the write fails, or `spool/` has reached its size limit; the file is
   * removed if the disk allows the removal
   */
  put(records: readonly EnqueueRecord[], urgentBytes = 0): void {
    const [first] = records;
    if (first === undefined) return;
    const name = `${String(first.time).padStart(15, "0")}-${first.id}.${records.length}.jsonl`;
    const write = () =>
      mapFileErrors(`write ${this.#directory}`, () => {
        this.#files.makeDirectory(this.#directory);
        try {
          const check = () => this.#checkSize(MAX_SPOOL_BYTES + urgentBytes);
          replaceFile(this.#files, `${this.#directory}/${name}`, records.map(encodeRecord), check);
        } catch (error) {
          this.#takeBack(name);
          throw error;
        }
      }, "write-failed");
    this.#reserve.during(write);
  }

  #checkSize(maxBytes: number): void {
    if (this.#occupiedBytes() <= maxBytes) return;
    throw new StorageError(
      "queue-full",
      `Cannot queue in ${this.#directory}: the directory has reached its limit of ${formatBytes(maxBytes)}`,
    );
  }

  /**
   * Returns the space that all files occupy. Lists the directory twice, because another process may
   * rename a file at the same time. The first listing can miss this file. The second listing then
   * contains the final name.
   */
  #occupiedBytes(): number {
    const listed = [...this.#files.list(this.#directory), ...this.#files.list(this.#directory)];
    const names = new Set(
      listed.map((name) => name.endsWith(TEMPORARY_SUFFIX) ? name.slice(0, -TEMPORARY_SUFFIX.length) : name),
    );
    const occupied = (name: string) => occupiedBytes(this.#files, [`${this.#directory}/${name}`]);
    const sizes = Array.from(names, (name) => occupied(name) || occupied(name + TEMPORARY_SUFFIX) || occupied(name));
    return sizes.reduce((sum, bytes) => sum + bytes, 0);
  }

  /**
   * Reads all files, oldest first.
   *
   * @param now the current time, in milliseconds since 1970
   * @throws {StorageError} if a file cannot be read
   */
  list(now: number): SpoolFile[] {
    return mapFileErrors(`read ${this.#directory}`, () => {
      this.#isThere = this.#exists();
      return this.#isThere ? this.#names().map((name) => this.#read(name, now)) : [];
    });
  }

  /**
   * Returns the time of each entry in `spool/`, in milliseconds since 1970. The method gets the
   * times from the file names and does not open the files.
   *
   * @throws {StorageError} if the directory cannot be read
   */
  times(): number[] {
    return mapFileErrors(`read ${this.#directory}`, () => this.#exists() ? this.#names().flatMap(parseTimes) : []);
  }

  /**
   * Deletes imported files and leftovers of killed processes, and moves damaged files to the
   * directory `quarantine/`. Then syncs `spool/`, so that the deletions of other processes are also
   * durable. Call {@linkcode Spool.list} first.
   *
   * @param files the files from {@linkcode Spool.list}
   * @param now the current time, in milliseconds since 1970
   * @throws {StorageError} if a file or the directory cannot be changed
   */
  remove(files: readonly SpoolFile[], now: number): void {
    mapFileErrors(`write ${this.#directory}`, () => {
      if (files.length === 0 && (this.#isSynced || !this.#isThere)) return;
      for (const { name, isDamaged } of files) {
        const path = `${this.#directory}/${name}`;
        if (isDamaged) this.#quarantine.move(path);
        else this.#files.remove(path);
      }
      for (const name of this.#leftovers(now)) this.#files.remove(`${this.#directory}/${name}`);
      this.#files.syncDirectory(this.#directory);
      this.#isSynced = true;
    });
  }

  #names(): string[] {
    const names = this.#files.list(this.#directory);
    return names.filter((name) => name.endsWith(".jsonl") && !name.startsWith(".")).sort();
  }

  #leftovers(now: number): string[] {
    const temporary = this.#files.list(this.#directory).filter((name) => name.endsWith(TEMPORARY_SUFFIX));
    return temporary.filter((name) => {
      const [time = 0] = parseTimes(name.slice(0, -TEMPORARY_SUFFIX.length));
      return now - time > LEFTOVER_MS;
    });
  }

  #exists(): boolean {
    return this.#files.exists(this.#directory);
  }

  #read(name: string, now: number): SpoolFile {
    const records: EnqueueRecord[] = [];
    let isDamaged = false;
    const damaged = () => isDamaged = true;
    const reader = new JournalReader();
    try {
      using file = this.#files.open(`${this.#directory}/${name}`, "read");
      reader.read(file, {
        record: (record) => record.t === "enq" ? records.push(record) : damaged(),
        unknown: damaged,
        damaged,
      });
      if (reader.offset < file.stat().size) damaged();
    } catch (error) {
      const [time = 0] = parseTimes(name);
      if (!(error instanceof UntrustedError) && now - time < UNREADABLE_MS) throw error;
      damaged();
    }
    return { name, records, isDamaged };
  }

  /** Removes a file whose write failed. */
  #takeBack(name: string): void {
    for (const path of [`${this.#directory}/${name}`, `${this.#directory}/${name}${TEMPORARY_SUFFIX}`]) {
      try {
        this.#files.remove(path);
      } catch {
        // Ignore the error. `remove` deletes an old temporary file.
      }
    }
  }
}

/**
 * Parses the name of a file, which contains the time of the first entry and the number of entries.
 * Returns the time of the first entry once for each entry in the file. If the name has another
 * form, returns only the time 0.
 */
function parseTimes(name: string): number[] {
  const [, time, count = "1"] = /^(\d{15})-.*?(?:\.([1-9]\d{0,3}))?\.jsonl$/.exec(name) ?? [];
  return new Array(Number(count)).fill(Number(time ?? 0));
}
