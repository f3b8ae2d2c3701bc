/**
 * Waiting for another process, the only thing here that is waited for by looking again and again.
 *
 * @module
 */

/** What is waited for, and for how long. */
export interface UntilOptions {
  /** What is awaited, for the error: `3 messages in the room`. */
  readonly what: string;
  /** When to give up, in milliseconds; 30,000 by default. */
  readonly limitMs?: number;
  /** The pause between two looks, in milliseconds; 50 by default. */
  readonly everyMs?: number;
}

/**
 * Looks until the probe finds something. Only for what another process does: our own code has a clock that a test can move.
 *
 * @param probe Looks once; undefined means not yet.
 * @returns What the probe found.
 * @throws {Error} When the limit has passed; an error of the probe itself is not caught.
 */
export async function until<T>(probe: () => Promise<T | undefined> | T | undefined, options: UntilOptions): Promise<T> {
  const { what, limitMs = 30_000, everyMs = 50 } = options;
  const end = Date.now() + limitMs;
  while (true) {
    const found = await probe();
    if (found !== undefined) return found;
    if (Date.now() >= end) throw new Error(`Cannot wait any longer for ${what}: ${limitMs / 1000} s have passed`);
    await pause(everyMs);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
