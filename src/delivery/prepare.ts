/** What comes before a delivery. */

import { StorageError } from "../base/errors.ts";
import { NEARLY_FULL_BYTES } from "../queue/limits.ts";
import type { Queue } from "../queue/queue.ts";

/** How to prepare. */
export interface PreparationOptions {
  /** Whether the caller holds `deliver.lock`. */
  readonly isDeliverer: boolean;
  /** Hears what keeps the journal from being had. */
  readonly warn: (text: string) => void;
}

/**
 * Prepares a delivery, and does what leads to it. On duty nothing that came before is overtaken, by whichever door it came in, and whoever cannot prepare does
 * not stay on duty.
 *
 * @param work is told what keeps the journal from being had, if anything does
 * @throws whatever `work` throws
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
    // History must not be in the way of what comes in.
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
