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
 * @module
 */

import { type Files, replaceFile } from "./files.ts";
import { JournalReader } from "./reader.ts";
import { encodeRecord, type EnqueueRecord } from "./record.ts";
import type { Reserve } from "./reserve.ts";
import { guard } from "./trouble.ts";

/** One file of the intake. */
export interface IntakeFile {
  readonly name: string;
  readonly records: readonly EnqueueRecord[];
}

/** `queue/intake`. */
export class Intake {
  readonly #parent: string;
  readonly #directory: string;
  readonly #files: Files;
  readonly #reserve: Reserve;
  #isSynced = false;

  /** @param parent the directory that holds `intake/`, once something came in there */
  constructor(parent: string, files: Files, reserve: Reserve) {
    this.#parent = parent;
    this.#reserve = reserve;
    this.#directory = `${parent}/intake`;
    this.#files = files;
  }

  /**
   * Stores envelopes durably.
   *
   * @throws {QueueError} when the disk does not take them
   */
  put(records: readonly EnqueueRecord[]): void {
    const [first] = records;
    if (first === undefined) return;
    const name = `${String(first.time).padStart(15, "0")}-${first.id}.${records.length}.jsonl`;
    const write = () =>
      guard(`write ${this.#directory}`, () => {
        this.#files.makeDirectory(this.#directory);
        replaceFile(this.#files, `${this.#directory}/${name}`, records.map(encodeRecord));
      }, "unwritten");
    this.#reserve.during(write);
  }

  /** What waits, in the order of its times. */
  list(): IntakeFile[] {
    return guard(`read ${this.#directory}`, () => {
      if (!this.#exists()) return [];
      return this.#names().map((name) => ({ name, records: this.#read(`${this.#directory}/${name}`) }));
    });
  }

  /** When what waits came in, milliseconds since 1970, a time for each envelope. The names tell, so that no file is read. */
  times(): number[] {
    return guard(`read ${this.#directory}`, () => this.#exists() ? this.#names().flatMap(timesOf) : []);
  }

  /** Forgets files whose envelopes are in the journal; none at all makes sure of what others removed. */
  remove(names: readonly string[]): void {
    guard(`write ${this.#directory}`, () => {
      if ((names.length === 0 && this.#isSynced) || !this.#exists()) return;
      for (const name of names) this.#files.remove(`${this.#directory}/${name}`);
      this.#files.syncDirectory(this.#directory);
      this.#isSynced = true;
    });
  }

  #names(): string[] {
    const names = this.#files.list(this.#directory);
    return names.filter((name) => name.endsWith(".jsonl") && !name.startsWith(".")).sort();
  }

  #exists(): boolean {
    return this.#files.list(this.#parent).includes("intake");
  }

  #read(path: string): EnqueueRecord[] {
    using file = this.#files.open(path, "read");
    const records: EnqueueRecord[] = [];
    new JournalReader().read(file, {
      record: (record) => record.t === "enq" && records.push(record),
      unknown() {},
      damaged() {},
    });
    return records;
  }
}

/** A name says when its first envelope came, and how many there are. One that does not tell is of another version, and taken for one old envelope. */
function timesOf(name: string): number[] {
  const [, time, count = "1"] = /^(\d{15})-.*?(?:\.([1-9]\d{0,3}))?\.jsonl$/.exec(name) ?? [];
  return new Array(Number(count)).fill(Number(time ?? 0));
}
