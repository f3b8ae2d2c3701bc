/**
 * The attachment files of the queue, in `stateDir/attachments`. Each file has a unique name. The
 * entries that need a file contain the name of the file.
 *
 * ```text
 * stage:  create, lock -> write -> fdatasync -> fsync of the directory -> enqueue -> unlock
 * sweep:  find a file that no entry needs -> lock -> sync the journal -> check again -> delete
 * ```
 *
 * A file is on the disk before its entry is enqueued. The writer locks the file until the entry is
 * enqueued. Therefore a sweep (the deletion of unneeded files) does not delete the file. If the
 * writer is killed, the kernel releases the lock, and the next sweep deletes the file.
 *
 * @module
 */

import { formatBytes } from "../../base/count.ts";
import { InvalidNotificationError } from "../../base/errors.ts";
import { mapFileErrors } from "../../runtime/file_errors.ts";
import { denoFiles, type Files, occupiedBytes, type OpenFile, readBytes } from "../../runtime/files.ts";
import { attachmentsDirectory } from "../entry.ts";
import { MAX_FILES_BYTES } from "../limits.ts";

/** The names of files are UUIDs, so a name cannot contain a path to another directory. */
const NAME_REGEXP = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The attachment files in a state directory. */
export class AttachmentStore {
  readonly directory: string;
  readonly #files: Files;

  constructor(stateDir: string, files: Files = denoFiles) {
    this.directory = attachmentsDirectory(stateDir);
    this.#files = files;
  }

  /**
   * Prepares to store files for new entries.
   *
   * @param uuid returns a new name for each file
   * @throws {StorageError} if the directory cannot be created
   */
  stage(uuid: () => string): StagedFiles {
    mapFileErrors(`create the directory ${this.directory}`, () => this.#files.makeDirectory(this.directory));
    return new StagedFiles(this.directory, {
      files: this.#files,
      uuid,
      // Files of other processes count too, even if they are not complete.
      occupied: () => occupiedBytes(this.#files, this.#names().map((name) => this.path(name))),
    });
  }

  /**
   * Reads a whole file.
   *
   * @param size the size of the file when it was stored
   * @throws {InvalidNotificationError} if the file is missing or its size is not `size`
   */
  read(name: string, size: number): Uint8Array<ArrayBuffer> {
    const unreadable = (state: string) => new InvalidNotificationError(`Cannot read ${this.path(name)}: ${state}`);
    if (!NAME_REGEXP.test(name)) throw unreadable("it is not the name of a stored file");
    return mapFileErrors(`read ${this.path(name)}`, () => {
      try {
        using file = this.#files.open(this.path(name), "read");
        const stored = file.stat().size;
        if (stored !== size) throw unreadable(`the file has ${stored} bytes instead of ${size}`);
        const bytes = readBytes(file, size);
        if (bytes.length < size) throw unreadable("the file ends too early");
        return bytes;
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) throw unreadable("the file is missing");
        throw error;
      }
    });
  }

  path(name: string): string {
    return `${this.directory}/${name}`;
  }

  /**
   * Deletes the files that no entry needs.
   *
   * @param known the names of files that entries certainly need; these files are skipped
   * @param named a function that syncs and reads the queue, and returns the names of all files that
   * entries need. Called after `sweep` has locked the files that are not in `known`. A file that
   * another process is writing is locked by that process, and is skipped.
   * @throws {StorageError} if the directory cannot be read or written
   */
  async sweep(known: ReadonlySet<string>, named: () => Promise<ReadonlySet<string>>): Promise<void> {
    using locked = new DisposableStack();
    const names: string[] = [];
    mapFileErrors(`read ${this.directory}`, () => {
      for (const name of this.#names().filter((name) => !known.has(name))) {
        if (locked.use(this.#tryToLock(name))) names.push(name);
      }
    });
    if (names.length === 0) return;
    const kept = await named();
    const unneeded = names.filter((name) => !kept.has(name));
    mapFileErrors(`write ${this.directory}`, () => unneeded.forEach((name) => this.#files.remove(this.path(name))));
  }

  #names(): string[] {
    return this.#files.list(this.directory).filter((name) => NAME_REGEXP.test(name));
  }

  /** Opens and locks a file. Returns undefined if the file is missing or locked. */
  #tryToLock(name: string): Disposable | undefined {
    using opened = new DisposableStack();
    try {
      const file = opened.use(this.#files.open(this.path(name), "read"));
      return file.tryLock() ? opened.move() : undefined;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }
}

interface StagedFilesParts {
  readonly files: Files;
  readonly uuid: () => string;
  /** Returns the space that all files occupy now, in bytes. */
  readonly occupied: () => number;
}

/**
 * Files that are written before their entries are enqueued. `dispose` deletes the files that were
 * not passed to {@linkcode StagedFiles.keep}.
 *
 * The size limit is checked after each file is written. Every process counts the files of all
 * processes. Therefore processes that write at the same time cannot exceed the limit together.
 */
export class StagedFiles implements Disposable {
  readonly #directory: string;
  readonly #files: Files;
  readonly #uuid: () => string;
  readonly #written = new Map<string, OpenFile>();
  readonly #occupied: () => number;

  constructor(directory: string, { files, uuid, occupied }: StagedFilesParts) {
    this.#directory = directory;
    this.#files = files;
    this.#uuid = uuid;
    this.#occupied = occupied;
  }

  /**
   * Writes a file and syncs its bytes.
   *
   * @param title the name of the file in messages
   * @returns the name of the stored file, and its size in bytes
   * @throws {StorageError} if the file cannot be written
   * @throws {InvalidNotificationError} if all files together would exceed the limit
   * @throws the errors that `chunks` throws
   */
  write(chunks: Iterable<Uint8Array>, title: string): { readonly name: string; readonly size: number } {
    const action = `store ${title} in ${this.#directory}`;
    const [name, file] = mapFileErrors(action, () => this.#create(), "write-failed");
    const checkOccupied = (bytes: number) => {
      if (bytes <= MAX_FILES_BYTES) return;
      const limit = formatBytes(MAX_FILES_BYTES);
      throw new InvalidNotificationError(`Cannot ${action}: the directory has reached its limit of ${limit}`);
    };
    let size = 0, others: number | undefined;
    try {
      return mapFileErrors(action, () => {
        for (const chunk of chunks) {
          // Counting the files takes milliseconds if there are many. A file of one chunk needs only
          // the count below.
          if (size > 0) {
            others ??= this.#occupied() - size;
            checkOccupied(others + size + chunk.length);
          }
          for (let rest = chunk; rest.length > 0;) rest = rest.subarray(file.append(rest));
          size += chunk.length;
        }
        checkOccupied(this.#occupied());
        file.syncData();
        return { name, size };
      }, "write-failed");
    } catch (error) {
      this.#discard(name, file);
      throw error;
    }
  }

  /**
   * Creates and locks a file. If another process deleted the file before it was locked, creates a
   * new file.
   */
  #create(): [name: string, file: OpenFile] {
    for (;;) {
      const name = this.#uuid(), path = `${this.#directory}/${name}`;
      using opened = new DisposableStack();
      const file = opened.use(this.#files.open(path, "create"));
      if (file.tryLock() && this.#files.list(this.#directory).includes(name)) {
        opened.move();
        this.#written.set(name, file);
        return [name, file];
      }
    }
  }

  /** Syncs the directory. Call `confirm` before you enqueue the entries that need the files. */
  confirm(): void {
    mapFileErrors(`write ${this.#directory}`, () => this.#files.syncDirectory(this.#directory), "write-failed");
  }

  /**
   * Keeps the files with the given names and deletes all other files of this object. Call `keep`
   * after the entries are enqueued.
   */
  keep(named: Iterable<string>): void {
    for (const name of named) {
      this.#written.get(name)?.[Symbol.dispose]();
      this.#written.delete(name);
    }
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    for (const [name, file] of this.#written) this.#discard(name, file);
  }

  #discard(name: string, file: OpenFile): void {
    try {
      this.#files.remove(`${this.#directory}/${name}`);
    } catch {
      // Ignore the error. The next sweep (deletion of unneeded files) deletes the file.
    }
    file[Symbol.dispose]();
    this.#written.delete(name);
  }
}
