/**
 * Locks between processes, based on `flock`. The lock file must never be renamed or removed. When a
 * process ends, the kernel releases all locks of the process.
 *
 * @module
 */

import type { Runtime } from "./runtime.ts";
import type { Files, OpenFile } from "./files.ts";
import { mapFileErrors } from "./file_errors.ts";

/** A lock that this process holds. Disposing of it releases the lock. */
export class HeldLock implements Disposable {
  #file: OpenFile | undefined;

  /** @param file the lock file, which is locked */
  constructor(file: OpenFile) {
    this.#file = file;
  }

  /** False after the lock was released. */
  get isHeld(): boolean {
    return this.#file !== undefined;
  }

  /** Releases the lock. Further calls have no effect. */
  release(): void {
    using file = this.#file;
    this.#file = undefined;
    try {
      file?.unlock();
    } catch {
      // Closing the file also releases the lock. However, a new child process can have a copy of
      // the open file. In this case, the lock is released when the child closes the copy.
    }
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

/**
 * An exclusive lock. Deno's `lock()` cannot be cancelled, so a waiting process repeats {@linkcode
 * tryAcquire} instead.
 */
export class FileLock implements Disposable {
  readonly #files: Files;
  readonly #path: string;
  #held: HeldLock | undefined;

  constructor(files: Files, path: string) {
    this.#files = files;
    this.#path = path;
  }

  /**
   * Acquires the lock if it is free.
   *
   * @returns the lock; undefined if it is not free, for example because this object already holds
   *   it
   * @throws {StorageError} if the lock file cannot be opened
   */
  tryAcquire(): HeldLock | undefined {
    if (this.#held?.isHeld) return undefined;
    return mapFileErrors(`lock ${this.#path}`, () => {
      using opened = new DisposableStack();
      const file = opened.use(this.#files.open(this.#path, "append"));
      if (!file.tryLock()) return undefined;
      opened.move();
      return this.#held = new HeldLock(file);
    });
  }

  /**
   * Waits for the lock and acquires it. Tries every 5 to 25 ms.
   *
   * @returns the lock; undefined if it was not free within `timeoutMs`
   * @throws the signal's reason, if the signal aborts first
   * @throws {StorageError} if the lock file cannot be opened
   */
  async acquire(
    timeoutMs: number,
    runtime: Pick<Runtime, "now" | "sleep" | "random">,
    signal?: AbortSignal,
  ): Promise<HeldLock | undefined> {
    const deadline = runtime.now() + timeoutMs;
    for (;;) {
      const lock = this.tryAcquire();
      if (lock !== undefined) return lock;
      signal?.throwIfAborted();
      if (runtime.now() >= deadline) return undefined;
      await runtime.sleep(5 + 20 * runtime.random(), signal);
    }
  }

  /** Releases the lock, if this object holds it. */
  [Symbol.dispose](): void {
    this.#held?.release();
  }
}
