/**
 * Chooses the deliverer. The process that gets `deliver.lock` is the deliverer and runs the
 * courier. All other processes watch the journal (the queue file). A watcher stops when each of its
 * entries is delivered or must wait. It also stops after a timeout. When the lock is released, a
 * watcher becomes the deliverer. A flush is a request for immediate attempts. The spool contains
 * entries that were stored while the journal was locked.
 *
 * ```text
 * prepareDelivery: refresh, import the spool -> enqueue, or request a flush
 * deliverOrWatch:  deliver.lock free   run the courier to its end -> release the lock
 *                  deliver.lock held   watch the journal -> end, or acquire the lock
 * ```
 *
 * No entry is missed between two deliverers. Before the deliverer releases the lock, it reads the
 * journal again while no process can append.
 *
 * @module
 */

import { StorageError } from "../base/errors.ts";
import { NEARLY_FULL_BYTES } from "../queue/limits.ts";
import type { Queue } from "../queue/queue.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Courier, RunOptions } from "./courier.ts";

/** The interval at which a watcher (a process that waits for the deliverer) reads the journal. */
const WATCH_MS = 20;

/** The interval at which the background deliverer tries to get `deliver.lock`. */
export const LOCK_POLL_MS = 250;

/** The pause of the background deliverer after a storage error. */
export const STORAGE_PAUSE_MS = 30_000;

/** A watcher stops waiting if the journal does not change for this time plus `patienceMs`. */
const STALLED_MS = 10_000;

/** The options of {@linkcode prepareDelivery}. */
export interface PreparationOptions {
  /** True if the caller holds `deliver.lock`. */
  readonly isDeliverer: boolean;
  /** A function that is called with the reason if the journal cannot be used now. */
  readonly warn: (text: string) => void;
}

/**
 * Reads the queue, then runs `work`. The deliverer first imports the spool (entries that were
 * stored while the journal was locked), because `work` may enqueue newer entries. If `work` fails,
 * the deliverer releases `deliver.lock`.
 *
 * @param work a function that gets the error if the journal cannot be used
 * @throws the error of `work`
 */
export async function prepareDelivery<Result>(
  queue: Queue,
  { isDeliverer, warn }: PreparationOptions,
  work: (problem?: StorageError) => Promise<Result>,
): Promise<Result> {
  let problem;
  try {
    queue.refresh();
    if (isDeliverer) await queue.importSpool();
    // Make space for new entries: a compaction removes the records of delivered entries.
    if (isDeliverer && queue.bytes > NEARLY_FULL_BYTES) await queue.compact();
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    warn(error.message);
    problem = error;
  }
  try {
    return await work(problem);
  } catch (error) {
    if (isDeliverer) queue.deliverLock.release();
    throw error;
  }
}

/** The options of {@linkcode deliverOrWatch}. */
export interface DeliverOptions extends RunOptions {
  readonly runtime: Pick<Runtime, "now" | "sleep">;
  /** True if the caller holds `deliver.lock` already. */
  readonly isDeliverer: boolean;
}

/**
 * Delivers entries. If another process already delivers, watches the journal instead. The options
 * define when the run ends. At the end, the caller does not hold `deliver.lock`.
 *
 * @returns the storage error that ended the run, if any; enqueued entries stay on disk
 * @throws the reason of the signal, if the signal ended the run
 */
export async function deliverOrWatch(
  queue: Queue,
  courier: Courier,
  options: DeliverOptions,
): Promise<StorageError | undefined> {
  let { isDeliverer } = options;
  try {
    isDeliverer ||= await watch(queue, courier, options);
    if (!isDeliverer) return undefined;
    while (await courier.run(options) === "over") {
      if (await queue.leaveDelivery(() => !courier.isOver(options))) break;
    }
  } catch (error) {
    if (error instanceof StorageError) return error;
    throw error;
  } finally {
    if (isDeliverer) queue.deliverLock.release();
  }
}

/**
 * Watches the journal while another process delivers.
 *
 * @returns true if the caller is now the deliverer; false if the watch ended before the lock was
 * released
 */
async function watch(queue: Queue, courier: Courier, options: DeliverOptions): Promise<boolean> {
  const { runtime, patienceMs, signal, leave } = options;
  let bytes = -1, lastChange = 0;
  while (!queue.deliverLock.tryAcquire()) {
    signal?.throwIfAborted();
    queue.refresh();
    const now = runtime.now();
    if (queue.bytes !== bytes) [bytes, lastChange] = [queue.bytes, now];
    if (leave?.aborted || courier.isOver(options) || now - lastChange > patienceMs + STALLED_MS) return false;
    await runtime.sleep(WATCH_MS, signal);
  }
  return true;
}
