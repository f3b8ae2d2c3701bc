/**
 * Who delivers: the process that gets `deliver.lock` is the deliverer and runs the courier. Every
 * other process, and every other caller in this one, watches the journal until its entries are
 * delivered or stuck, or until its time is up. When the lock comes free, a watcher becomes the
 * deliverer.
 *
 * ```text
 * prepareDelivery: refresh, import the spool -> enqueue, or request a flush
 * deliverOrWatch:  deliver.lock free   run the courier until it is over -> give the lock back
 *                  deliver.lock taken  watch the journal -> over, or take the lock
 * ```
 *
 * No entry is missed between two deliverers: before it gives the lock back, the deliverer looks at
 * the journal once more, at a time when no process can append.
 *
 * @module
 */

import { StorageError } from "../base/errors.ts";
import { NEARLY_FULL_BYTES } from "../queue/limits.ts";
import type { Queue } from "../queue/queue.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Courier, RunOptions } from "./courier.ts";

/** How often a watcher reads the journal. */
const WATCH_MS = 20;

/** How often the background deliverer tries to get the lock. */
export const LOCK_POLL_MS = 250;

/** How long the background deliverer pauses after a storage error. */
export const STORAGE_PAUSE_MS = 30_000;

/** A watcher gives up when the journal does not grow for this time and its own patience. */
const STALLED_MS = 10_000;

/** How to prepare a delivery. */
export interface PreparationOptions {
  /** True if the caller holds `deliver.lock`. */
  readonly isDeliverer: boolean;
  /** Called with the reason why the journal cannot be used now. */
  readonly warn: (text: string) => void;
}

/**
 * Reads the queue, then runs `work`. The deliverer imports the spool first, so that no older entry
 * is overtaken. If `work` fails, the deliverer gives `deliver.lock` back.
 *
 * @param work called with the reason why the journal cannot be used, if it cannot
 * @throws what `work` throws
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
    // Records of delivered entries must not take the room of new ones.
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

/** How to deliver or watch. */
export interface DeliverOptions extends RunOptions {
  readonly runtime: Pick<Runtime, "now" | "sleep">;
  /** True if the caller holds `deliver.lock` already. */
  readonly isDeliverer: boolean;
}

/**
 * Delivers, or watches the deliverer, until the options end the run. Afterwards the caller does not
 * hold `deliver.lock`.
 *
 * @returns the storage error that ended the run, if any; what was enqueued stays on disk
 * @throws the reason of the signal, if it ended the run
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
 * @returns true if the caller is the deliverer now, false if its run was over before the lock came
 * free
 */
async function watch(queue: Queue, courier: Courier, options: DeliverOptions): Promise<boolean> {
  const { runtime, patienceMs, signal } = options;
  let bytes = -1, lastChange = 0;
  while (!queue.deliverLock.tryAcquire()) {
    signal?.throwIfAborted();
    queue.refresh();
    const now = runtime.now();
    if (queue.bytes !== bytes) [bytes, lastChange] = [queue.bytes, now];
    if (courier.isOver(options) || now - lastChange > patienceMs + STALLED_MS) return false;
    await runtime.sleep(WATCH_MS, signal);
  }
  return true;
}
