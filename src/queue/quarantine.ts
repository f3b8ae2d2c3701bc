/**
 * `queue/quarantine`: what was damaged, set aside for whoever wants to see it. What a name tells is all that is known of it later: where a line stood, and
 * whether it was torn, by the death of its writer, or damaged.
 *
 * @module
 */

import type { Runtime } from "../runtime/runtime.ts";
import type { Files, OpenFile } from "../runtime/files.ts";
import type { QueueFigures } from "./queue_types.ts";
import type { DamagedLine } from "./reader.ts";
import { mapFileErrors } from "../runtime/file_errors.ts";

/** Ends the name of a copy whose line was torn, rather than damaged. */
export const TORN_SUFFIX = ".torn";

/** What is damaged, and which journal it stands in. */
export interface DamagedPlace {
  readonly source: OpenFile;
  readonly line: DamagedLine;
  /** When the journal was begun; with an offset it names a line for good. */
  readonly born: number;
}

/** What a quarantine is made of. */
export interface QuarantineParts {
  readonly files: Files;
  readonly runtime: Pick<Runtime, "now">;
  /** Hears where something was set aside. @default nobody */
  readonly onDamage?: (path: string) => void;
}

/** The quarantine of a queue. */
export class Quarantine {
  readonly #directory: string;
  readonly #files: Files;
  readonly #runtime: Pick<Runtime, "now">;
  readonly #onDamage: (path: string) => void;

  /** @param parent the directory that holds `quarantine/`, once something was damaged */
  constructor(parent: string, { files, runtime, onDamage = () => {} }: QuarantineParts) {
    this.#directory = `${parent}/quarantine`;
    this.#files = files;
    this.#runtime = runtime;
    this.#onDamage = onDamage;
  }

  /** Copies a damaged line, once. Its original stays where it is. */
  copy({ source, line, born }: DamagedPlace): void {
    const name = `queue.jsonl.${born}@${line.offset}${line.isTorn ? TORN_SUFFIX : ""}`;
    this.#files.makeDirectory(this.#directory);
    if (this.#files.list(this.#directory).includes(name)) return;
    // Who dies over it leaves a name that does not count, and the next reader makes another.
    const draft = `${this.#directory}/.${name}.${this.#runtime.now()}`;
    copyRange(source, line, this.#files.open(draft, "create"));
    this.#files.rename(draft, `${this.#directory}/${name}`);
    this.#onDamage(`${this.#directory}/${name}`);
  }

  /** Moves a damaged file of `spool/`, durably. */
  move(path: string): void {
    const target = `${this.#directory}/spool.${path.slice(path.lastIndexOf("/") + 1)}`;
    this.#files.makeDirectory(this.#directory);
    this.#files.rename(path, target);
    this.#files.syncDirectory(this.#directory);
    this.#onDamage(target);
  }

  /**
   * Counts what was set aside.
   *
   * @param hasTornEnd whether the journal ends in a line that is not whole
   */
  count(hasTornEnd: boolean): Pick<QueueFigures, "quarantined" | "torn"> {
    const names = mapFileErrors("list the quarantine", () => this.#files.list(this.#directory));
    const aside = names.filter((name) => !name.startsWith("."));
    const torn = aside.filter((name) => name.endsWith(TORN_SUFFIX)).length;
    return { quarantined: aside.length - torn, torn: torn + (hasTornEnd ? 1 : 0) };
  }
}

function copyRange(source: OpenFile, { offset, length }: DamagedLine, target: OpenFile): void {
  using copy = target;
  const chunk = new Uint8Array(64 * 1024);
  for (let done = 0; done < length;) {
    const read = Math.min(source.read(chunk, offset + done), length - done);
    if (read === 0) return;
    done += copy.append(chunk.subarray(0, read));
  }
}
