/**
 * `queue/quarantine`: copies of damaged journal lines, and damaged spool files (files of entries
 * that could not be written to the journal). The name of a copy contains the position of the line
 * in the journal. The name ends in `.torn` if the process that wrote the line was killed during the
 * write. If the copies need too much space, the oldest are deleted.
 *
 * @module
 */

import type { Runtime } from "../runtime/runtime.ts";
import { mapFileErrors } from "../runtime/file_errors.ts";
import { type Files, occupiedBytes, type OpenFile } from "../runtime/files.ts";
import { MAX_QUARANTINE_BYTES } from "./limits.ts";
import type { DamagedLine } from "./reader.ts";

/** The last part of the file name for a half-written line. */
export const TORN_SUFFIX = ".torn";

/** A damaged line, and the journal file that contains it. */
export interface DamagedPlace {
  readonly source: OpenFile;
  readonly line: DamagedLine;
  /**
   * The creation time of the journal. This time and an offset in the file together identify a line.
   */
  readonly born: number;
  /**
   * True if a compaction is about to remove the line from the journal. Such a line is always
   * copied, and the oldest copies are deleted if there is too little space. Other lines are copied
   * only if there is space.
   */
  readonly isRemoved: boolean;
}

/** The number of damaged lines, and the number of half-written lines. */
export interface QuarantineFigures {
  readonly quarantined: number;
  /**
   * The number of half-written lines, in the quarantine or at the end of the journal. The processes
   * that wrote these lines were killed during the write.
   */
  readonly torn: number;
}

export interface QuarantineParts {
  readonly files: Files;
  readonly runtime: Pick<Runtime, "now">;
  /** Called with the path of each new file in the quarantine. */
  readonly onDamage?: (path: string) => void;
}

/** The quarantine of a queue (the directory for damaged lines and files). */
export class Quarantine {
  readonly #directory: string;
  readonly #files: Files;
  readonly #runtime: Pick<Runtime, "now">;
  readonly #onDamage: (path: string) => void;

  /** @param parent the directory in which `quarantine/` is created when needed */
  constructor(parent: string, { files, runtime, onDamage = () => {} }: QuarantineParts) {
    this.#directory = `${parent}/quarantine`;
    this.#files = files;
    this.#runtime = runtime;
    this.#onDamage = onDamage;
  }

  /** Copies a damaged line if no copy exists yet. */
  copy({ source, line, born, isRemoved }: DamagedPlace): void {
    const name = `queue.jsonl.${born}@${line.offset}${line.isTorn ? TORN_SUFFIX : ""}`;
    this.#files.makeDirectory(this.#directory);
    if (this.#files.list(this.#directory).includes(name)) return;
    if (!isRemoved && this.#excess() >= 0) return;
    // If the process is killed during the copy, the temporary file is ignored, and the next reader
    // makes another copy.
    const temporary = `${this.#directory}/.${name}.${this.#runtime.now()}`;
    {
      using target = this.#files.open(temporary, "create");
      copyRange(source, line, target);
    }
    this.#files.rename(temporary, `${this.#directory}/${name}`);
    if (isRemoved) this.#deleteOldest();
    this.#onDamage(`${this.#directory}/${name}`);
  }

  /** Moves a damaged file of `spool/` to the quarantine, and syncs this directory. */
  move(path: string): void {
    const target = `${this.#directory}/spool.${path.slice(path.lastIndexOf("/") + 1)}`;
    this.#files.makeDirectory(this.#directory);
    this.#files.rename(path, target);
    this.#deleteOldest();
    this.#files.syncDirectory(this.#directory);
    this.#onDamage(target);
  }

  /** Returns the number of bytes above the size limit. Negative if there is space left. */
  #excess(): number {
    const paths = this.#files.list(this.#directory).map((name) => `${this.#directory}/${name}`);
    return occupiedBytes(this.#files, paths) - MAX_QUARANTINE_BYTES;
  }

  /** Deletes the oldest files while there is too little space. Keeps at least the newest file. */
  #deleteOldest(): void {
    const names = this.#files.list(this.#directory).sort((a, b) => timeOf(a) - timeOf(b));
    let excess = this.#excess();
    for (const name of excess > 0 ? names.slice(0, -1) : []) {
      if (excess <= 0) return;
      excess -= occupiedBytes(this.#files, [`${this.#directory}/${name}`]);
      this.#files.remove(`${this.#directory}/${name}`);
    }
  }

  /**
   * Counts the copies of damaged and torn (half-written) lines.
   *
   * @param hasTornEnd true if the journal ends with a torn (half-written) line
   */
  count(hasTornEnd: boolean): QuarantineFigures {
    const names = mapFileErrors("list the quarantine", () => this.#files.list(this.#directory));
    const copies = names.filter((name) => !name.startsWith("."));
    const torn = copies.filter((name) => name.endsWith(TORN_SUFFIX)).length;
    return { quarantined: copies.length - torn, torn: torn + (hasTornEnd ? 1 : 0) };
  }
}

/** Returns the time in the name of a file, in milliseconds since 1970. */
function timeOf(name: string): number {
  return Number(/\d{13,15}/.exec(name)?.[0] ?? 0);
}

function copyRange(source: OpenFile, { offset, length }: DamagedLine, target: OpenFile): void {
  const chunk = new Uint8Array(64 * 1024);
  for (let done = 0; done < length;) {
    const read = Math.min(source.read(chunk, offset + done), length - done);
    if (read === 0) return;
    done += target.append(chunk.subarray(0, read));
  }
}
