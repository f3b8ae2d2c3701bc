/**
 * `queue/reserve.bin`: room that is kept for a full disk. It is filled with noise, because a file
 * system that compresses would store zeros in no room at all.
 *
 * ```text
 * a write fails because the disk is full  ->  remove reserve.bin, write once more
 * the deliverer ends its work             ->  create it again, if there is room
 * ```
 *
 * @module
 */

import { StorageError } from "../base/errors.ts";
import type { Files } from "../runtime/files.ts";
import { RESERVE_BYTES } from "./limits.ts";

/** The reserve of a queue. */
export class Reserve {
  readonly #files: Files;
  readonly #path: string;
  readonly #onUse: () => void;

  /** @param onUse is called when the disk is full and the reserve was removed */
  constructor(directory: string, files: Files, onUse: () => void) {
    this.#files = files;
    this.#path = `${directory}/reserve.bin`;
    this.#onUse = onUse;
  }

  /**
   * Runs a write. If the disk is full, removes the reserve and runs it once more.
   *
   * @param write must leave nothing behind when it throws
   */
  during<Result>(write: () => Result): Result {
    try {
      return write();
    } catch (error) {
      if (!(error instanceof StorageError) || error.code !== "disk-full" || this.#size() === 0) throw error;
      this.#files.remove(this.#path);
      this.#onUse();
      return write();
    }
  }

  /** Creates the reserve if there is none. On a full disk it does nothing, without an error. */
  keep(): void {
    if (this.#size() < RESERVE_BYTES && !this.#write()) this.#discard();
  }

  #size(): number {
    try {
      using file = this.#files.open(this.#path, "read");
      return file.size();
    } catch {
      return 0;
    }
  }

  /** @returns whether all of it was written */
  #write(): boolean {
    try {
      using file = this.#files.open(this.#path, "create");
      return file.append(noise(RESERVE_BYTES)) === RESERVE_BYTES;
    } catch {
      return false;
    }
  }

  #discard(): void {
    try {
      this.#files.remove(this.#path);
    } catch {
      return;
    }
  }
}

/** Creates bytes that do not compress (Marsaglia's xorshift). */
function noise(bytes: number): Uint8Array {
  const words = new Uint32Array(bytes / 4);
  let word = 0x9e3779b9;
  for (let at = 0; at < words.length; at++) {
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    words[at] = word;
  }
  return new Uint8Array(words.buffer);
}
