/**
 * `queue/reserve.bin`: disk space that is reserved for the case of a full disk. The file contains
 * pseudo-random bytes, because a compressing file system would store zeros without using space.
 *
 * ```text
 * a write fails because the disk is full  ->  remove reserve.bin, write again
 * the deliverer ends its work             ->  create reserve.bin again, if there is space
 * ```
 *
 * @module
 */

import { StorageError } from "../base/errors.ts";
import type { Files } from "../runtime/files.ts";
import { RESERVE_BYTES } from "./limits.ts";

/** The reserve of a queue (a file that reserves disk space). */
export class Reserve {
  readonly #files: Files;
  readonly #path: string;
  readonly #onUse: () => void;
  /** True if this process found or created the reserve, and has not removed it since. */
  #isKept = false;

  /** @param onUse called after the reserve was removed because the disk is full */
  constructor(directory: string, files: Files, onUse: () => void) {
    this.#files = files;
    this.#path = `${directory}/reserve.bin`;
    this.#onUse = onUse;
  }

  /**
   * Runs a write. If the disk is full, removes the reserve and runs the write again.
   *
   * @param write the function that writes; it must undo its changes before it throws
   */
  during<Result>(write: () => Result): Result {
    try {
      return write();
    } catch (error) {
      if (!(error instanceof StorageError) || error.code !== "disk-full" || this.#size() === 0) throw error;
      this.#files.remove(this.#path);
      this.#isKept = false;
      this.#onUse();
      return write();
    }
  }

  /** Creates the reserve if it does not exist. Ignores errors, such as a full disk. */
  keep(): void {
    if (this.#isKept) return;
    this.#isKept = this.#size() >= RESERVE_BYTES || this.#write();
    if (!this.#isKept) this.#discard();
  }

  #size(): number {
    try {
      return this.#files.size(this.#path);
    } catch {
      return 0;
    }
  }

  /** @returns true if the whole reserve was written */
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

/** Creates bytes that cannot be compressed, with Marsaglia's random number generator xorshift. */
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
