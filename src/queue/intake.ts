/**
 * The side door: envelopes that came while the journal could not be had, because a process holds its lock and hangs, or because the disk would not confirm.
 * Each batch is a file of its own, which needs no lock.
 *
 * ```text
 * put:    .name -> write -> fdatasync -> rename to name -> fsync of the directory
 * remove: only behind a durable append to the journal; who dies in between leaves files whose ids the journal knows
 * ```
 *
 * @module
 */

import type { Files } from "./files.ts";
import { JournalReader } from "./reader.ts";
import { encodeRecord, type EnqueueRecord } from "./record.ts";
import { guard } from "./trouble.ts";

/** One file of the intake. */
export interface IntakeFile {
  readonly name: string;
  readonly records: readonly EnqueueRecord[];
}

/** `queue/intake`. */
export class Intake {
  readonly #directory: string;
  readonly #files: Files;

  constructor(directory: string, files: Files) {
    this.#directory = directory;
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
    const name = `${String(first.time).padStart(15, "0")}-${first.id}.jsonl`;
    guard(`write ${this.#directory}`, () => {
      this.#files.makeDirectory(this.#directory);
      this.#write(`${this.#directory}/.${name}`, records);
      this.#files.rename(`${this.#directory}/.${name}`, `${this.#directory}/${name}`);
      this.#files.syncDirectory(this.#directory);
    }, "unwritten");
  }

  /** What waits, in the order of its times. */
  list(): IntakeFile[] {
    return guard(`read ${this.#directory}`, () => {
      const names = this.#files.list(this.#directory).filter((name) =>
        name.endsWith(".jsonl") && !name.startsWith(".")
      );
      return names.sort().map((name) => ({ name, records: this.#read(`${this.#directory}/${name}`) }));
    });
  }

  /** Forgets files whose envelopes are in the journal. */
  remove(names: readonly string[]): void {
    guard(`write ${this.#directory}`, () => {
      for (const name of names) this.#files.remove(`${this.#directory}/${name}`);
      this.#files.syncDirectory(this.#directory);
    });
  }

  #write(path: string, records: readonly EnqueueRecord[]): void {
    using file = this.#files.open(path, "create");
    for (const record of records) {
      for (let rest = encodeRecord(record); rest.length > 0;) rest = rest.subarray(file.append(rest));
    }
    file.syncData();
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
