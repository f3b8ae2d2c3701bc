/** What whoever delivers does for the queue in passing: it makes the journal shorter, and removes the files that nobody needs any more. */

import type { Queue } from "../queue/queue.ts";
import { ignoreStorageErrors } from "../runtime/file_errors.ts";

/** Keeps a queue in order. What the disk refuses is left as it is: a journal that cannot be made shorter is a journal still. */
export class Housekeeping {
  readonly #queue: Queue;
  /** Tried in vain; the next process tries again. */
  #cannotCompact = false;
  /** How many entries with files had left when it was swept last. */
  #swept: number;

  constructor(queue: Queue) {
    this.#queue = queue;
    this.#swept = queue.state.removedWithFiles;
  }

  /** Does what is worth doing. */
  async run(): Promise<void> {
    let didCompact = false;
    const compact = async () => didCompact = await this.#queue.compact();
    if (!this.#cannotCompact) this.#cannotCompact = !await ignoreStorageErrors(compact());
    // The files of whoever was killed before it swept go with the history.
    if (!didCompact && this.#queue.state.removedWithFiles === this.#swept) return;
    await ignoreStorageErrors(this.#queue.sweepAttachments());
    this.#swept = this.#queue.state.removedWithFiles;
  }
}
