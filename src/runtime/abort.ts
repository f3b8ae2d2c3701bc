/** Waits for work that cannot be cancelled. */

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
