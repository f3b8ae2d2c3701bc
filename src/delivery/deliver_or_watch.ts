/**
 * Chooses the deliverer. The process that gets `deliver.lock` is the deliverer and runs the
 * courier. All other processes watch the journal (the queue file). A watcher stops when each of its
 * entries is delivered or must wait. It also stops after a timeout. When the lock is released, a
 * watcher becomes the deliverer. A flush is a request for immediate attempts. The spool contains
 * entries that were stored while the journal was locked.
 *
 * ```text
 * prepareDelivery: refresh, import the spool (then enqueue, or request a flush)
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
import type { HeldLock } from "../runtime/file_lock.ts";
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
  /** `deliver.lock`, if the caller holds it. */
  readonly lock: HeldLock | undefined;
  /** A function that is called with the reason if the journal cannot be used now. */
  readonly warn: (text: string) => void;
}

/**
 * Reads the queue. The deliverer also imports the spool (entries that were stored while the journal
 * was locked), because the caller may enqueue newer entries.
 *
 * @returns the error if the journal cannot be used
 */
export async function prepareDelivery(
  queue: Queue,
  { lock, warn }: PreparationOptions,
): Promise<StorageError | undefined> {
  try {
    queue.refresh();
    if (lock === undefined) return undefined;
    await queue.importSpool();
    // Make space for new entries: a compaction removes the records of delivered entries.
    if (queue.bytes > NEARLY_FULL_BYTES) await queue.compact();
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    warn(error.message);
    return error;
  }
}

/** The options of {@linkcode deliverOrWatch}. */
export interface DeliverOptions extends RunOptions {
  readonly runtime: Pick<Runtime, "now" | "sleep">;
  /** `deliver.lock`, if the caller already holds it. */
  readonly lock?: HeldLock;
}

/**
 * Delivers entries. If another process already delivers, watches the journal instead. The options
 * define when the run ends. At the end, `deliver.lock` is released.
 *
 * @returns the storage error that ended the run, if any; enqueued entries stay on disk
 * @throws the reason of the signal, if the signal ended the run
 */
export async function deliverOrWatch(
  queue: Queue,
  courier: Courier,
  options: DeliverOptions,
): Promise<StorageError | undefined> {
  try {
    using lock = options.lock ?? await watch(queue, courier, options);
    if (lock === undefined) return undefined;
    while (await courier.run(options) === "over") {
      if (await queue.leaveDelivery(lock, () => !courier.isOver(options))) break;
    }
  } catch (error) {
    if (error instanceof StorageError) return error;
    throw error;
  }
}

/**
 * Watches the journal while another process delivers.
 *
 * @returns `deliver.lock`, if the caller is now the deliverer; undefined if the watch ended before
 * the lock was released
 */
async function watch(queue: Queue, courier: Courier, options: DeliverOptions): Promise<HeldLock | undefined> {
  const { runtime, patienceMs, signal, leave } = options;
  let bytes = -1, lastChange = 0;
  for (;;) {
    const lock = queue.deliverLock.tryAcquire();
    if (lock !== undefined) return lock;
    signal?.throwIfAborted();
    queue.refresh();
    const now = runtime.now();
    if (queue.bytes !== bytes) [bytes, lastChange] = [queue.bytes, now];
    if (leave?.aborted || courier.isOver(options) || now - lastChange > patienceMs + STALLED_MS) return undefined;
    await runtime.sleep(WATCH_MS, signal);
  }
}
