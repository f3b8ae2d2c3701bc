/**
 * Gives unused memory back to the system. V8 and malloc keep memory after a large request, because
 * they expect the next one. If the variable `DENO_USR2_MEMORY_TRIM` is set, Deno collects garbage
 * and calls `malloc_trim` after the signal SIGUSR2. This process sends the signal to itself.
 *
 * @module
 */

import type { Runtime } from "./runtime.ts";

/** The time from the start to the first trim, in milliseconds. */
const START_MS = 5_000;

/** The pause between two checks of the memory, in milliseconds. A trim takes 10 to 30 ms. */
const PAUSE_MS = 30_000;

/** The longest pause, in milliseconds. The pause doubles after each trim that frees no memory. */
const MAX_PAUSE_MS = 480_000;

/** The memory is trimmed if it has grown by this size, in bytes. */
const GROWTH_BYTES = 8 * 2 ** 20;

/** How long Deno may take for a trim, in milliseconds. */
const TRIM_MS = 1_000;

/** The parts of the system that {@linkcode trimMemory} uses. */
export interface MemorySystem {
  readonly sleep: Runtime["sleep"];
  /** Returns the memory that this process occupies, in bytes. */
  readonly occupied: () => number;
  /** Asks Deno to free unused memory. */
  readonly trim: () => void;
}

/** Trims the memory after the start, and each time the memory has grown, until `stop` aborts. */
export async function trimMemory({ sleep, occupied, trim }: MemorySystem, stop: AbortSignal): Promise<void> {
  let lowest = 0, pauseMs = PAUSE_MS;
  for (let waitMs = START_MS;; waitMs = pauseMs) {
    await sleep(waitMs, stop);
    if (stop.aborted) return;
    const before = occupied();
    if (before < lowest + GROWTH_BYTES) continue;
    trim();
    await sleep(TRIM_MS, stop);
    const after = occupied();
    lowest = lowest === 0 ? after : Math.min(lowest, after);
    const isUseful = after < before - GROWTH_BYTES / 2;
    pauseMs = isUseful ? PAUSE_MS : Math.min(2 * pauseMs, MAX_PAUSE_MS);
  }
}

/** The memory of this process. */
export function denoMemory(): Omit<MemorySystem, "sleep"> {
  // If Deno does not know the variable, SIGUSR2 would end a process without a listener.
  Deno.addSignalListener("SIGUSR2", () => {});
  return {
    occupied: () => Deno.memoryUsage().rss,
    trim: () => Deno.kill(Deno.pid, "SIGUSR2"),
  };
}
