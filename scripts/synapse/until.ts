/**
 * Waiting for another process by polling.
 *
 * @module
 */

/** Options of {@linkcode until}. */
export interface UntilOptions {
  /** What is awaited, for the error: `3 messages in the room` */
  readonly what: string;
  /** When to give up, milliseconds. @default {30_000} */
  readonly limitMs?: number;
  /** The pause between two probes, milliseconds. @default {50} */
  readonly everyMs?: number;
}

/**
 * Calls the probe until it returns a value. Only for other processes: our own code has a clock that
 * a test can move.
 *
 * @param probe returns undefined for "not yet"
 * @returns the value of the probe
 * @throws {Error} if the limit has passed; an error of the probe is not caught
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
