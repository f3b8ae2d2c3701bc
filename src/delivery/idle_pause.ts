/**
 * Pauses of a process that only waits for changes of files. Example: a courier waits for changes of
 * the queue while no request is in progress and no entry is due.
 *
 * ```text
 * the files change    the pause ends a moment later, because other changes may follow quickly
 * nothing changes     the pause ends after some seconds (the poll interval), because some file
 *                     systems do not report changes, such as network file systems
 * ```
 *
 * @module
 */

import type { Runtime } from "../runtime/runtime.ts";

/** The longest pause if the files are watched. */
const POLL_MS = 10_000;

/** The longest pause if the files cannot be watched. */
const BLIND_POLL_MS = 500;

/** The pause after a change. */
const CHANGE_PAUSE_MS = 20;

/** Pauses that end early if files change. */
export class IdlePause implements Disposable {
  readonly #runtime: Pick<Runtime, "sleep">;
  #watcher: Disposable | undefined;
  /** True if the files have changed since the last pause. */
  #hasChanged = false;
  /** Ends the current pause. */
  #wake = () => {};

  private constructor(runtime: Pick<Runtime, "sleep">) {
    this.#runtime = runtime;
  }

  /** Starts to watch files and directories. Changes before this call do not end a pause. */
  static async open(paths: readonly string[], runtime: Pick<Runtime, "sleep" | "watch">): Promise<IdlePause> {
    const pause = new IdlePause(runtime);
    pause.#watcher = await runtime.watch(paths, () => {
      pause.#hasChanged = true;
      pause.#wake();
    });
    return pause;
  }

  /** Waits until `ms` or the poll interval is over, a signal aborts, or the files change. */
  async wait(ms: number, signals: readonly AbortSignal[]): Promise<void> {
    const waking = new AbortController();
    this.#wake = () => waking.abort();
    const pauseMs = Math.min(ms, this.#watcher ? POLL_MS : BLIND_POLL_MS);
    if (!this.#hasChanged) {
      await this.#runtime.sleep(Math.max(0, pauseMs), AbortSignal.any([waking.signal, ...signals]));
    }
    if (this.#hasChanged) await this.#runtime.sleep(CHANGE_PAUSE_MS, AbortSignal.any([...signals]));
    this.#hasChanged = false;
  }

  [Symbol.dispose](): void {
    this.#watcher?.[Symbol.dispose]();
  }
}
