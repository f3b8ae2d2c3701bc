/**
 * The loops of the long-running deliverers. The background deliverer ends when the queue is empty.
 * `serve` ends when it is stopped. Both wait while another process delivers.
 *
 * @module
 */

import type { StorageError } from "../../base/errors.ts";
import type { Courier, RunOptions } from "../../delivery/courier.ts";
import { LOCK_POLL_MS, STORAGE_PAUSE_MS } from "../../delivery/deliver_or_watch.ts";
import type { Queue } from "../../queue/queue.ts";
import { ignoreStorageErrors } from "../../runtime/file_errors.ts";
import type { HeldLock } from "../../runtime/file_lock.ts";
import type { Runtime } from "../../runtime/runtime.ts";

/** The parts of a notifier that a loop uses. */
export interface LoopParts {
  readonly queue: Queue;
  readonly courier: Courier;
  readonly runtime: Pick<Runtime, "sleep">;
  /** Decides the destinations of entries that wait for a correct configuration. */
  readonly decide: () => Promise<unknown>;
  /** Runs the courier. Returns the storage error that ended the run, if any. */
  readonly deliver: (options: RunOptions & { readonly lock: HeldLock }) => Promise<StorageError | undefined>;
}

/**
 * The reason why a background deliverer ended. `handed-over` means that a flush (immediate
 * attempts) of another process continues the delivery. `second` means that another background
 * deliverer was already running. `left` means that {@linkcode BackgroundOptions.leave} aborted.
 */
export type BackgroundEnd = "empty" | "handed-over" | "second" | "left";

/** Options of {@linkcode deliverUntilEmpty}. */
export interface BackgroundOptions {
  /** An abort signal that ends the delivery after the current attempts. @default none */
  readonly leave?: AbortSignal;
  /** Called each time this process begins to deliver. @default none */
  readonly onStart?: () => void;
}

/** Options of {@linkcode deliverUntilStopped}. */
export interface ServeDelivery {
  /** An abort signal that ends the delivery after the current attempts. */
  readonly leave: AbortSignal;
  /** An abort signal that ends the delivery immediately and cancels the current requests. */
  readonly signal: AbortSignal;
  /** Called each time the deliverer has read the queue. */
  readonly onRound: () => void;
}

/**
 * Delivers until the queue is empty. While another process delivers, this process waits.
 *
 * The deliverer ends early if an entry is held (waits for a person) and another process requests a
 * flush. That process then delivers the queue, because it may know a new token.
 *
 * @throws the signal's reason, if the signal aborts
 */
export async function deliverUntilEmpty(
  { queue, courier, runtime, decide, deliver }: LoopParts,
  signal: AbortSignal,
  { leave, onStart }: BackgroundOptions,
): Promise<BackgroundEnd> {
  queue.prepare();
  using background = queue.backgroundLock.tryAcquire();
  if (background === undefined) return "second";
  await decide();
  const flushes = queue.state.flushCount;
  for (queue.refresh(); courier.hasWork() || queue.figures().spooled > 0; queue.refresh()) {
    signal.throwIfAborted();
    if (leave?.aborted) return "left";
    using lock = queue.deliverLock.tryAcquire();
    if (lock === undefined) {
      await runtime.sleep(LOCK_POLL_MS, signal);
      continue;
    }
    onStart?.();
    const problem = await deliver({ patienceMs: Infinity, handsOver: true, leave, signal, lock });
    // Storage failed, or entries are still in `spool/` because the journal could not be written.
    // Without a pause, this loop would use all CPU time.
    if (problem || queue.figures().spooled > 0) await runtime.sleep(STORAGE_PAUSE_MS, signal);
    else if (!leave?.aborted && queue.state.flushCount !== flushes && courier.hasWork()) return "handed-over";
  }
  return "empty";
}

/**
 * Delivers until `leave` aborts. Continues when the queue is empty. While another process delivers,
 * this process waits.
 *
 * @throws {StorageError} if there is no place for a queue
 * @throws the signal's reason, if the signal aborts
 */
export async function deliverUntilStopped(
  { queue, runtime, decide, deliver }: LoopParts,
  { leave, signal, onRound }: ServeDelivery,
): Promise<void> {
  queue.prepare();
  const stop = AbortSignal.any([leave, signal]);
  using held = new DisposableStack();
  let background: HeldLock | undefined;
  while (!leave.aborted) {
    signal.throwIfAborted();
    // While this process holds this lock, other processes start no background deliverer.
    background ??= held.use(queue.backgroundLock.tryAcquire());
    using lock = queue.deliverLock.tryAcquire();
    if (lock === undefined) {
      onRound();
      await runtime.sleep(LOCK_POLL_MS, stop);
      continue;
    }
    await ignoreStorageErrors(decide());
    const run = { patienceMs: Infinity, runsOn: true, handsOver: true, onRound, leave, signal };
    const problem = await deliver({ ...run, lock });
    // If the run ended because of a flush by another process, that process can acquire the lock
    // during this pause.
    await runtime.sleep(problem ? STORAGE_PAUSE_MS : LOCK_POLL_MS, stop);
  }
}
