/** The runtime of a modelled process: its clock moves only during sleeps. */

import type { QueueRuntime } from "../../src/queue/queue.ts";

/** The state directory in the model. */
export const STATE_DIR = "/state";

/** Creates the runtime of one process. */
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
