/** What the queue needs of a machine, in a model of one: a clock that moves when somebody sleeps, and ids that never come twice. */

import type { QueueRuntime } from "../../src/queue/queue.ts";

/** Where the queue lives in the model. */
export const STATE_DIR = "/state";

/** A runtime of its own for a process. */
export function crashRuntime(): QueueRuntime {
  let time = Date.UTC(2026, 10, 22, 20);
  return {
    now: () => time,
    async sleep(ms) {
      await Promise.resolve();
      time += ms;
    },
    random: () => 0.5,
    hostname: () => "jump",
    uuid: () => crypto.randomUUID(),
  };
}
