/**
 * Locks between processes, based on `flock`. The lock file must never be renamed or removed. When a
 * process ends, the kernel releases all locks of the process.
 *
 * @module
 */

import type { Runtime } from "./runtime.ts";
import type { Files, OpenFile } from "./files.ts";
import { mapFileErrors } from "./file_errors.ts";

/**
 * An exclusive lock. Deno's `lock()` cannot be cancelled, so a waiting process repeats {@linkcode
 * tryAcquire} instead.
 */
export class FileLock {
  readonly #files: Files;
  readonly #path: string;
  #held: OpenFile | undefined;

  constructor(files: Files, path: string) {
    this.#files = files;
    this.#path = path;
  }

  /** True if this object holds the lock. */
  get held(): boolean {
    return this.#held !== undefined;
  }

  /**
   * Acquires the lock if it is free.
   *
   * @returns false if the lock is not free; this includes the case that this object already holds
   *   the lock
   * @throws {StorageError} if the lock file cannot be opened
   */
  tryAcquire(): boolean {
    if (this.#held) return false;
    this.#held = mapFileErrors(`lock ${this.#path}`, () => {
      const file = this.#files.open(this.#path, "append");
      try {
        if (file.tryLock()) return file;
      } catch (error) {
        file[Symbol.dispose]();
        throw error;
      }
      file[Symbol.dispose]();
    });
    return this.held;
  }

  /**
   * Waits for the lock and acquires it. Tries every 5 to 25 ms.
   *
   * @returns false if the lock was not free within `timeoutMs`
   * @throws the signal's reason, if the signal aborts first
   * @throws {StorageError} if the lock file cannot be opened
   */
  async acquire(
    timeoutMs: number,
    runtime: Pick<Runtime, "now" | "sleep" | "random">,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const deadline = runtime.now() + timeoutMs;
    while (!this.tryAcquire()) {
      signal?.throwIfAborted();
      if (runtime.now() >= deadline) return false;
      await runtime.sleep(5 + 20 * runtime.random(), signal);
    }
    return true;
  }

  /** Releases the lock, if this object holds it. */
  release(): void {
    using file = this.#held;
    this.#held = undefined;
    try {
      file?.unlock();
    } catch {
      // Closing the file also releases the lock. However, a new child process can have a copy of
      // the open file. In this case, the lock is released when the child closes the copy.
    }
  }
}
