/** The duty of a deliverer in the background: until the queue is empty, however long that takes. While another process delivers it waits for its turn. */

import type { StorageError } from "../../base/errors.ts";
import type { Queue } from "../../queue/queue.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { Courier } from "../../delivery/courier.ts";
import { LOCK_POLL_MS, STORAGE_PAUSE_MS } from "../../delivery/deliver_or_watch.ts";

/** Why it ended; `second` when another process does this already. */
export type BackgroundEnd = "empty" | "handed-over" | "second";

/** How to be on duty. */
export interface BackgroundLoopOptions {
  readonly runtime: Pick<Runtime, "sleep">;
  readonly signal: AbortSignal;
  /** Hears when this process begins to deliver. */
  readonly onStart: () => void;
  /** Delivers what is there; told is what went wrong with the queue. */
  readonly deliver: () => Promise<StorageError | undefined>;
}

/**
 * Delivers until the queue is empty. Ends early when a flush is asked for while an account is in trouble: whoever asks may know its new token.
 *
 * @throws the signal's reason, when that ended it
 */
export async function deliverUntilEmpty(
  queue: Queue,
  courier: Courier,
  { runtime, signal, onStart, deliver }: BackgroundLoopOptions,
): Promise<BackgroundEnd> {
  if (!queue.backgroundLock.tryAcquire()) return "second";
  const flushes = queue.state.flushCount;
  for (queue.refresh(); courier.hasWork() || queue.figures().spooled > 0; queue.refresh()) {
    signal.throwIfAborted();
    if (!queue.deliverLock.tryAcquire()) {
      await runtime.sleep(LOCK_POLL_MS, signal);
      continue;
    }
    onStart();
    const problem = await deliver();
    // What cannot be taken in now is no reason to ask without a pause.
    if (problem || queue.figures().spooled > 0) await runtime.sleep(STORAGE_PAUSE_MS, signal);
    else if (queue.state.flushCount !== flushes && courier.hasWork()) return "handed-over";
  }
  return "empty";
}
