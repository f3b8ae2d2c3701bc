/**
 * `queue/spool`: entries that could not be appended to the journal, because another process hangs
 * while it holds the lock, or because the disk did not confirm the write. Each call writes a file
 * of its own, which needs no lock.
 *
 * ```text
 * put:     name.tmp -> write -> fdatasync -> rename to name -> fsync of the directory
 * import:  a durable append to the journal -> remove the file -> fsync of the directory
 *          a process that dies in between leaves files whose ids the journal knows
 * ```
 *
 * A deletion that is not yet fsynced can be undone by a power cut, and would bring back an entry
 * that was delivered long ago. So each process fsyncs the directory before it relies on a file
 * being gone.
 *
 * A damaged file goes to `quarantine/` after its whole lines are imported. A file that cannot be
 * read for ten minutes goes there too, so that it does not block all others.
 *
 * @module
 */

import { mapFileErrors } from "../runtime/file_errors.ts";
import { type Files, replaceFile } from "../runtime/files.ts";
import { encodeRecord } from "./journal_line.ts";
import type { Quarantine } from "./quarantine.ts";
import { JournalReader } from "./reader.ts";
import type { EnqueueRecord } from "./record.ts";
import type { Reserve } from "./reserve.ts";

/** How long a file that cannot be read stops delivery. A disk that recovers has done so by then. */
const UNREADABLE_MS = 600_000;

/** A file of the spool. */
export interface SpoolFile {
  readonly name: string;
  readonly records: readonly EnqueueRecord[];
  /** Whether it contains anything else, or cannot be read. */
  readonly isDamaged: boolean;
}

export interface SpoolParts {
  readonly files: Files;
  readonly reserve: Reserve;
  readonly quarantine: Quarantine;
}

/** The spool of a queue. */
export class Spool {
  readonly #parent: string;
  readonly #directory: string;
  readonly #files: Files;
  readonly #reserve: Reserve;
  readonly #quarantine: Quarantine;
  #isSynced = false;

  /** @param parent the directory in which `spool/` is created when needed */
  constructor(parent: string, { files, reserve, quarantine }: SpoolParts) {
    this.#parent = parent;
    this.#directory = `${parent}/spool`;
    this.#files = files;
    this.#reserve = reserve;
    this.#quarantine = quarantine;
  }

  /**
   * Writes entries durably, as one file.
   *
   * @throws {StorageError} if that fails; then the file is removed, if the disk allows it
   */
  put(records: readonly EnqueueRecord[]): void {
    const [first] = records;
    if (first === undefined) return;
    const name = `${String(first.time).padStart(15, "0")}-${first.id}.${records.length}.jsonl`;
    const write = () =>
      mapFileErrors(`write ${this.#directory}`, () => {
        this.#files.makeDirectory(this.#directory);
        try {
          replaceFile(this.#files, `${this.#directory}/${name}`, records.map(encodeRecord));
        } catch (error) {
          this.#takeBack(name);
          throw error;
        }
      }, "write-failed");
    this.#reserve.during(write);
  }

  /**
   * Reads all files, the oldest first.
   *
   * @param now milliseconds since 1970
   * @throws {StorageError} if one cannot be read
   */
  list(now: number): SpoolFile[] {
    return mapFileErrors(
      `read ${this.#directory}`,
      () => this.#exists() ? this.#names().map((name) => this.#read(name, now)) : [],
    );
  }

  /**
   * Lists when the spooled entries were enqueued, in milliseconds since 1970, one time for each
   * entry. The names of the files say so; no file is read.
   *
   * @throws {StorageError} if the directory cannot be read
   */
  times(): number[] {
    return mapFileErrors(`read ${this.#directory}`, () => this.#exists() ? this.#names().flatMap(parseTimes) : []);
  }

  /**
   * Deletes files that were imported, and moves damaged ones to the quarantine. With an empty list
   * it only fsyncs the directory, so that the deletions of other processes are durable.
   *
   * @throws {StorageError} if the disk refuses
   */
  remove(files: readonly SpoolFile[]): void {
    mapFileErrors(`write ${this.#directory}`, () => {
      if ((files.length === 0 && this.#isSynced) || !this.#exists()) return;
      for (const { name, isDamaged } of files) {
        const path = `${this.#directory}/${name}`;
        if (isDamaged) this.#quarantine.move(path);
        else this.#files.remove(path);
      }
      this.#files.syncDirectory(this.#directory);
      this.#isSynced = true;
    });
  }

  #names(): string[] {
    const names = this.#files.list(this.#directory);
    return names.filter((name) => name.endsWith(".jsonl") && !name.startsWith(".")).sort();
  }

  #exists(): boolean {
    return this.#files.list(this.#parent).includes("spool");
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
      if (reader.offset < file.size()) damaged();
    } catch (error) {
      const [time = 0] = parseTimes(name);
      if (now - time < UNREADABLE_MS) throw error;
      damaged();
    }
    return { name, records, isDamaged };
  }

  /** Removes a file that was not confirmed. */
  #takeBack(name: string): void {
    try {
      this.#files.remove(`${this.#directory}/${name}`);
    } catch {
      return;
    }
  }
}

/**
 * Parses the name of a file: when its first entry was enqueued, and how many entries it has. A name
 * of another form counts as one old entry.
 */
function parseTimes(name: string): number[] {
  const [, time, count = "1"] = /^(\d{15})-.*?(?:\.([1-9]\d{0,3}))?\.jsonl$/.exec(name) ?? [];
  return new Array(Number(count)).fill(Number(time ?? 0));
}
