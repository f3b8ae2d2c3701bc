/**
 * The files that Matrix clients have uploaded, in `stateDir/uploads`. A client uploads a file
 * first, and then sends a message with the id of the file. A restart between the two requests must
 * not lose the file. Therefore, the server answers an upload only after the file is on the disk.
 *
 * @module
 */

import type { UploadedFiles } from "../ingest/http/request.ts";
import { mapFileErrors } from "../runtime/file_errors.ts";
import { denoFiles, occupiedBytes, readBytes } from "../runtime/files.ts";

/** An upload is kept for this time, in milliseconds. */
const MAX_AGE_MS = 24 * 3_600_000;

/**
 * The space that all uploads may occupy on the disk, in bytes. The oldest ones are deleted first.
 */
const MAX_TOTAL_BYTES = 64 * 2 ** 20;

/** Matches the name of a file: the time of the upload in base 36, and a UUID. */
const NAME_REGEXP = /^([\da-z]{9})-[\da-f-]{36}$/;

/** The uploads of a state directory. */
export class Uploads implements UploadedFiles {
  readonly #directory: string;

  constructor(stateDir: string) {
    this.#directory = `${stateDir}/uploads`;
  }

  readonly find = (id: string): string | undefined => {
    const path = `${this.#directory}/${id}`;
    return NAME_REGEXP.test(id) && denoFiles.list(this.#directory).includes(id) ? path : undefined;
  };

  readonly read = (path: string): Uint8Array<ArrayBuffer> => {
    using file = denoFiles.open(path, "read");
    return readBytes(file);
  };

  /**
   * Stores an upload, and deletes old ones.
   *
   * @returns the id of the upload
   * @throws {StorageError} if the file cannot be written
   */
  store(bytes: Uint8Array, { now, uuid }: { readonly now: number; readonly uuid: string }): string {
    const id = `${Math.max(now, 0).toString(36).padStart(9, "0")}-${uuid}`, path = `${this.#directory}/${id}`;
    mapFileErrors(`store an upload in ${this.#directory}`, () => {
      denoFiles.makeDirectory(this.#directory);
      this.#makeRoom(bytes.length, now);
      try {
        using file = denoFiles.open(path, "create");
        for (let rest = bytes; rest.length > 0;) rest = rest.subarray(file.append(rest));
        file.syncData();
        denoFiles.syncDirectory(this.#directory);
      } catch (error) {
        denoFiles.remove(path);
        throw error;
      }
    }, "write-failed");
    return id;
  }

  #makeRoom(size: number, now: number): void {
    const names = denoFiles.list(this.#directory).filter((name) => NAME_REGEXP.test(name)).sort();
    const sizes = names.map((name) => occupiedBytes(denoFiles, [`${this.#directory}/${name}`]));
    let total = size + sizes.reduce((sum, size) => sum + size, 0);
    names.forEach((name, at) => {
      const age = now - parseInt(NAME_REGEXP.exec(name)?.[1] ?? "", 36);
      if (age <= MAX_AGE_MS && total <= MAX_TOTAL_BYTES) return;
      denoFiles.remove(`${this.#directory}/${name}`);
      total -= sizes[at];
    });
  }
}
