/**
 * Who delivers. Whoever gets `deliver.lock` is on duty and runs the courier; everybody else, in this process or another, watches the journal until
 * theirs is settled or stuck, or time is up, and takes over when the lock comes free.
 *
 * Nothing falls between two: the one on duty looks at the journal once more, while nobody can append, before it lets go.
 *
 * @module
 */

import { StorageError } from "../base/errors.ts";
import type { Queue } from "../queue/queue.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Courier } from "./courier.ts";
import type { RunOptions } from "./run_types.ts";

/** How often to look at the journal while somebody else delivers. */
const WATCH_MS = 20;

/** How often the deliverer in the background asks for its turn. */
export const LOCK_POLL_MS = 250;

/** How long it rests after trouble with the disk. */
export const STORAGE_PAUSE_MS = 30_000;

/** How long the one on duty may change nothing before nobody waits for it any longer than it wants to wait itself. */
const STALLED_MS = 10_000;

/** How to deliver. */
export interface DeliverOptions extends RunOptions {
  readonly runtime: Pick<Runtime, "now" | "sleep">;
  /** Whether the caller took `deliver.lock` already. */
  readonly isDeliverer: boolean;
}

/**
 * Delivers, or watches whoever does, until the options say that it is over. Afterwards this caller is not on duty.
 *
 * @returns what went wrong with the queue meanwhile: what was enqueued is on disk all the same
 * @throws the signal's reason, when that ended it
 */
export async function deliverOrWatch(
  queue: Queue,
  courier: Courier,
  options: DeliverOptions,
): Promise<StorageError | undefined> {
  let { isDeliverer } = options;
  try {
    isDeliverer ||= await takeOver(queue, courier, options);
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

/** @returns whether this caller is on duty; false when it was over before the lock came free */
async function takeOver(queue: Queue, courier: Courier, options: DeliverOptions): Promise<boolean> {
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
