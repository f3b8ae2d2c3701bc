/**
 * The side door: envelopes that came while the journal could not be had, because a process holds its lock and hangs, or because the disk would not confirm.
 * Each batch is a file of its own, which needs no lock.
 *
 * ```text
 * put:    name.tmp -> write -> fdatasync -> rename to name -> fsync of the directory
 * remove: only behind a durable append to the journal, then fsync of the directory; who dies in between leaves files whose ids the journal knows
 * ```
 *
 * A removal that is not on the disk must not be believed: a power cut would bring the file back when its envelope is long delivered. So each process that takes
 * in syncs the directory once before it relies on what is not there.
 *
 * A file that holds damage goes to `quarantine/` when what is whole in it was taken in; so does one that cannot be read for so long that it must not be in
 * the way of all the others any more.
 *
 * @module
 */

import { type Files, replaceFile } from "../runtime/files.ts";
import type { Quarantine } from "./quarantine.ts";
import { JournalReader } from "./reader.ts";
import { encodeRecord, type EnqueueRecord } from "./record.ts";
import type { Reserve } from "./reserve.ts";
import { mapFileErrors } from "../runtime/file_errors.ts";

/** How long nothing is delivered because a file cannot be read; a disk that comes back has brought it back by then. */
const UNREADABLE_MS = 600_000;

/** One file of the spool. */
export interface SpoolFile {
  readonly name: string;
  readonly records: readonly EnqueueRecord[];
  /** Whether it holds something else, or nothing that can be read. */
  readonly isDamaged: boolean;
}

/** What the spool is made of. */
export interface SpoolParts {
  readonly files: Files;
  readonly reserve: Reserve;
  readonly quarantine: Quarantine;
}

/** `queue/spool`. */
export class Spool {
  readonly #parent: string;
  readonly #directory: string;
  readonly #files: Files;
  readonly #reserve: Reserve;
  readonly #quarantine: Quarantine;
  #isSynced = false;

  /** @param parent the directory that holds `spool/`, once something came in there */
  constructor(parent: string, { files, reserve, quarantine }: SpoolParts) {
    this.#parent = parent;
    this.#directory = `${parent}/spool`;
    this.#files = files;
    this.#reserve = reserve;
    this.#quarantine = quarantine;
  }

  /**
   * Stores envelopes durably.
   *
   * @throws {StorageError} when the disk does not take them; then they are not there, unless it does not even let go of them
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
      }, "unwritten");
    this.#reserve.during(write);
  }

  /**
   * What waits, in the order of its times.
   *
   * @param now milliseconds since 1970
   * @throws {StorageError} when it cannot be read
   */
  list(now: number): SpoolFile[] {
    return mapFileErrors(
      `read ${this.#directory}`,
      () => this.#exists() ? this.#names().map((name) => this.#read(name, now)) : [],
    );
  }

  /** When what waits came in, milliseconds since 1970, a time for each envelope. The names tell, so that no file is read. */
  times(): number[] {
    return mapFileErrors(`read ${this.#directory}`, () => this.#exists() ? this.#names().flatMap(timesOf) : []);
  }

  /** Forgets files whose envelopes are in the journal; none at all makes sure of what others removed. What is damaged is set aside. */
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
      const [time = 0] = timesOf(name);
      if (now - time < UNREADABLE_MS) throw error;
      damaged();
    }
    return { name, records, isDamaged };
  }

  /** Nobody is told that it is there, so that it must not be. */
  #takeBack(name: string): void {
    try {
      this.#files.remove(`${this.#directory}/${name}`);
    } catch {
      return;
    }
  }
}

/** A name says when its first envelope came, and how many there are. One that does not tell is of another version, and taken for one old envelope. */
function timesOf(name: string): number[] {
  const [, time, count = "1"] = /^(\d{15})-.*?(?:\.([1-9]\d{0,3}))?\.jsonl$/.exec(name) ?? [];
  return new Array(Number(count)).fill(Number(time ?? 0));
}
