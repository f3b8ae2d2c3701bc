/**
 * Room that is kept back for a full disk: a file of really written bytes, given up for the sake of the queue. It holds noise, since a file
 * system that compresses would make nothing of anything else.
 *
 * ```text
 * a write finds no room  ->  remove reserve.bin, write once more
 * whoever ends its work  ->  makes it anew as soon as there is room
 * ```
 *
 * @module
 */

import { StorageError } from "../base/errors.ts";
import type { Files } from "../runtime/files.ts";
import { RESERVE_BYTES } from "./limits.ts";

/** `queue/reserve.bin`. */
export class Reserve {
  readonly #files: Files;
  readonly #path: string;
  readonly #onUse: () => void;

  /** @param onUse hears that the disk is full and the reserve was given up */
  constructor(directory: string, files: Files, onUse: () => void) {
    this.#files = files;
    this.#path = `${directory}/reserve.bin`;
    this.#onUse = onUse;
  }

  /**
   * Runs a write; where it finds no room on the disk, the reserve makes some, and it runs once more.
   *
   * @param write leaves nothing behind when it throws
   */
  during<Result>(write: () => Result): Result {
    try {
      return write();
    } catch (error) {
      if (!(error instanceof StorageError) || error.code !== "full" || this.#size() === 0) throw error;
      this.#files.remove(this.#path);
      this.#onUse();
      return write();
    }
  }

  /** Makes the reserve where there is none. A disk that has no room for it keeps none; that is not the caller's trouble. */
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

  /** @returns whether all of it could be written */
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

/** Bytes that do not compress (Marsaglia's xorshift). */
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
