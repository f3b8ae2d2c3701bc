/** Combines abort signals, and waits for work that cannot be cancelled. */

/**
 * The results of {@linkcode eitherSignal}. The outer key is the limit. The inner key is the signal
 * of the caller.
 */
const EITHER = new WeakMap<AbortSignal, WeakMap<AbortSignal, AbortSignal>>();

/**
 * Returns a signal that aborts when one of two signals aborts. Calls with the same signals get the
 * same result, because a new signal for each request would need much memory and time.
 *
 * @param signal the signal of the caller; undefined if there is none
 * @param limit the signal of a time limit
 */
export function eitherSignal(signal: AbortSignal | undefined, limit: AbortSignal): AbortSignal {
  if (signal === undefined) return limit;
  const known = EITHER.get(limit) ?? new WeakMap<AbortSignal, AbortSignal>();
  EITHER.set(limit, known);
  const either = known.get(signal) ?? AbortSignal.any([signal, limit]);
  known.set(signal, either);
  return either;
}

/**
 * Waits for a promise until a signal aborts. If the signal aborts first, the work continues, but
 * its result is ignored.
 *
 * @param work a promise that cannot be cancelled
 * @param signal the signal that ends the waiting; undefined to wait without a limit
 * @returns the result of the work
 * @throws the signal's reason, if the signal aborts first
 */
export async function untilAborted<Result>(work: Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
  if (signal === undefined) return await work;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort);
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
