/** Files that come into the store, before an entry names them. */

import { StorageError } from "../../base/errors.ts";
import type { Files, OpenFile } from "../../runtime/files.ts";
import { MAX_FILES_BYTES } from "../limits.ts";
import { mapFileErrors } from "../../runtime/file_errors.ts";

/** What files on their way in need. */
interface IncomingParts {
  readonly files: Files;
  readonly uuid: () => string;
  readonly room: number;
}

/** Files on their way in. They are gone again unless somebody says that they are needed. */
export class StagedFiles implements Disposable {
  readonly #directory: string;
  readonly #files: Files;
  readonly #uuid: () => string;
  readonly #written = new Map<string, OpenFile>();
  #room: number;

  /** @param parts where names come from, and for how many bytes there is room */
  constructor(directory: string, { files, uuid, room }: IncomingParts) {
    this.#directory = directory;
    this.#files = files;
    this.#uuid = uuid;
    this.#room = room;
  }

  /**
   * Writes a file, whose bytes are on the disk when this returns.
   *
   * @param called what people call it
   * @returns its name, and its size in bytes
   * @throws {StorageError} when the disk does not take it, or all files together would be larger than they may be
   * @throws what `chunks` throws
   */
  write(chunks: Iterable<Uint8Array>, called: string): { readonly name: string; readonly size: number } {
    return mapFileErrors(`keep ${called} in ${this.#directory}`, () => {
      const [name, file] = this.#create();
      let size = 0;
      for (const chunk of chunks) {
        size += chunk.length;
        this.#room -= chunk.length;
        if (this.#room < 0) {
          const limit = `${Math.round(MAX_FILES_BYTES / 2 ** 20)} MiB`;
          throw new StorageError(
            "files",
            `Cannot keep ${called} in ${this.#directory}: it has reached its limit of ${limit}`,
          );
        }
        for (let rest = chunk; rest.length > 0;) rest = rest.subarray(file.append(rest));
      }
      file.syncData();
      return { name, size };
    }, "unwritten");
  }

  /** A new file, locked. One that was swept before it was locked is no good. */
  #create(): [name: string, file: OpenFile] {
    for (;;) {
      const name = this.#uuid(), path = `${this.#directory}/${name}`;
      const file = this.#files.open(path, "create");
      if (file.tryLock() && this.#files.list(this.#directory).includes(name)) {
        this.#written.set(name, file);
        return [name, file];
      }
      file[Symbol.dispose]();
    }
  }

  /** Makes their names durable. From here on entries may name them. */
  confirm(): void {
    mapFileErrors(`write ${this.#directory}`, () => this.#files.syncDirectory(this.#directory), "unwritten");
  }

  /** The entries are where they belong: those files stay that one of them names. */
  keep(named: Iterable<string>): void {
    for (const name of named) {
      this.#written.get(name)?.[Symbol.dispose]();
      this.#written.delete(name);
    }
    this[Symbol.dispose]();
  }

  /** Removes what nobody needs; what the disk does not let go of is swept later. */
  [Symbol.dispose](): void {
    for (const [name, file] of this.#written) {
      try {
        this.#files.remove(`${this.#directory}/${name}`);
      } catch {
        // The next sweep finds it.
      }
      file[Symbol.dispose]();
    }
    this.#written.clear();
  }
}
