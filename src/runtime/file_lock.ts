/**
 * Locks between processes, based on `flock`. The lock file must never be renamed or removed. When a
 * process ends, the kernel releases the locks of the process, so a lock of an ended process cannot
 * exist.
 *
 * @module
 */

import type { Runtime } from "./runtime.ts";
import type { Files, OpenFile } from "./files.ts";
import { mapFileErrors } from "./file_errors.ts";

/**
 * An exclusive lock. To wait for the lock, this class tries again and again, because Deno's
 * `lock()` cannot be cancelled.
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
   * @returns false if another process or object has the lock, or if this object already has the
   * lock
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
      // Closing the file also releases the lock. If a child process was just forked, the lock is
      // released only after the child has closed its copy of the file.
    }
  }
}
