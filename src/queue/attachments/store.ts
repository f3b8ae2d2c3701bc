/**
 * The files that entries need, in `stateDir/attachments`: each has a name of its own, which entries hold, and nobody else.
 *
 * ```text
 * in:   create, lock -> write -> fdatasync -> fsync of the directory -> the entries are enqueued -> unlock
 * out:  nobody names it -> lock -> make durable what says so -> still nobody names it -> remove
 * ```
 *
 * A file is on the disk before an entry names it. Its writer holds its lock until then, so that nobody takes it for one that was left behind; the kernel frees
 * the lock of a writer that is killed, and its file goes with the next sweep.
 *
 * @module
 */

import { InvalidNotificationError } from "../../base/errors.ts";
import { denoFiles, type Files, type OpenFile } from "../../runtime/files.ts";
import { StagedFiles } from "./staged.ts";
import { MAX_FILES_BYTES } from "../limits.ts";
import { mapFileErrors } from "../../runtime/file_errors.ts";

/** What files are called: a UUID, so that no name leads anywhere else. */
const NAME_REGEXP = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Where the files of a state directory are. */
export function filesDirectory(stateDir: string): string {
  return `${stateDir}/attachments`;
}

/** `attachments/`. */
export class AttachmentStore {
  readonly directory: string;
  readonly #files: Files;

  constructor(stateDir: string, files: Files = denoFiles) {
    this.directory = filesDirectory(stateDir);
    this.#files = files;
  }

  /** Bytes of all files. */
  bytes(): number {
    return mapFileErrors(
      `read ${this.directory}`,
      () => this.#names().reduce((sum, name) => sum + this.#size(name), 0),
    );
  }

  /**
   * Takes files in.
   *
   * @param uuid makes their names
   * @throws {StorageError} when there is no directory for them
   */
  receive(uuid: () => string): StagedFiles {
    mapFileErrors(`make the directory ${this.directory}`, () => this.#files.makeDirectory(this.directory));
    return new StagedFiles(this.directory, { files: this.#files, uuid, room: MAX_FILES_BYTES - this.bytes() });
  }

  /**
   * Reads a file whole.
   *
   * @param size how long it was when it came in
   * @throws {InvalidNotificationError} when it is not there any more, or not what it was
   */
  read(name: string, size: number): Uint8Array<ArrayBuffer> {
    const gone = (state: string) => new InvalidNotificationError(`Cannot read ${this.path(name)}: ${state}`);
    if (!NAME_REGEXP.test(name)) throw gone("it is no name of a file of ours");
    return mapFileErrors(`read ${this.path(name)}`, () => {
      try {
        using file = this.#files.open(this.path(name), "read");
        if (file.size() !== size) throw gone(`it has ${file.size()} bytes instead of ${size}`);
        const bytes = new Uint8Array(size);
        let at = 0;
        for (let length = -1; length !== 0 && at < size; at += length) length = file.read(bytes.subarray(at), at);
        if (at < size) throw gone("it ends too early");
        return bytes;
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) throw gone("it is not there any more");
        throw error;
      }
    });
  }

  /** Where a file is. */
  path(name: string): string {
    return `${this.directory}/${name}`;
  }

  /**
   * Removes the files that nobody names.
   *
   * @param known which are named, as far as was read
   * @param named says, durably, which are named; it is asked when nobody who is still writing can be among the others
   */
  async sweep(known: ReadonlySet<string>, named: () => Promise<ReadonlySet<string>>): Promise<void> {
    const locked = new Map<string, OpenFile>();
    try {
      mapFileErrors(`read ${this.directory}`, () => {
        for (const name of this.#names().filter((name) => !known.has(name))) {
          const file = this.#lock(name);
          if (file) locked.set(name, file);
        }
      });
      if (locked.size === 0) return;
      const kept = await named();
      const gone = [...locked.keys()].filter((name) => !kept.has(name));
      mapFileErrors(`write ${this.directory}`, () => gone.forEach((name) => this.#files.remove(this.path(name))));
    } finally {
      for (const file of locked.values()) file[Symbol.dispose]();
    }
  }

  #names(): string[] {
    return this.#files.list(this.directory).filter((name) => NAME_REGEXP.test(name));
  }

  #size(name: string): number {
    try {
      using file = this.#files.open(this.path(name), "read");
      return file.size();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return 0;
      throw error;
    }
  }

  /** Whoever is still writing a file has its lock. */
  #lock(name: string): OpenFile | undefined {
    let file;
    try {
      file = this.#files.open(this.path(name), "read");
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
    if (file.tryLock()) return file;
    file[Symbol.dispose]();
  }
}
