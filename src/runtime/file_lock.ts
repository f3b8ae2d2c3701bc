/**
 * Locks between processes: `flock` on a file that is never renamed and never removed. The kernel frees it when its holder ends, however
 * it ends, so that there is no stale lock to clean up.
 */

import type { Runtime } from "./runtime.ts";
import type { Files, OpenFile } from "./files.ts";
import { mapFileErrors } from "./file_errors.ts";

/** An exclusive lock. Waiting is polling, since Deno's blocking `lock()` cannot be cancelled. */
export class FileLock {
  readonly #files: Files;
  readonly #path: string;
  #held: OpenFile | undefined;

  constructor(files: Files, path: string) {
    this.#files = files;
    this.#path = path;
  }

  /** Whether this process holds it. */
  get held(): boolean {
    return this.#held !== undefined;
  }

  /**
   * Takes the lock if it is free; it is not free for whoever holds it already.
   *
   * @throws {StorageError} when its file cannot be opened
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
   * Takes the lock, asking every 5 to 25 ms; false when it was not to be had within `timeoutMs`.
   *
   * @throws the signal's reason, when that ended the waiting
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

  /** Gives the lock back; nothing happens where it is not held. */
  release(): void {
    using file = this.#held;
    this.#held = undefined;
    try {
      file?.unlock();
    } catch {
      // Closing gives it back as well, but only when a child that was just forked has let go of its copy.
    }
  }
}
