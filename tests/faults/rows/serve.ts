/** Row 27: faults of `serve` while many clients post to it. */

import { load, type LoadOptions } from "../load.ts";
import { sum, type Tally } from "../tally.ts";
import type { Effort, Row } from "./row.ts";

const SEED = 20261129;

/** Row 27. */
export const SERVE_ROW: Row = {
  number: 27,
  fault: "`kill -9`, SIGTERM and SIGHUP of `serve`, and too many connections, while 50 clients post to it",
  how: "5,000 requests over HTTP and the socket, homeserver down; then 1,000 with slow deliveries; repeated requests",
  run: async ({ isQuick }: Effort) => {
    const [many, few] = isQuick ? [500, 200] : [5000, 1000];
    const loads: readonly LoadOptions[] = [
      { posts: many, clients: 50, fault: "refuse", incidents: ["SIGKILL", "SIGKILL", "SIGHUP"], seed: SEED },
      {
        ...{ posts: few, clients: 50, fault: "slow-after-persisting", seed: SEED + 1 },
        incidents: ["SIGTERM", "SIGHUP", "flood", "SIGKILL", "SIGTERM"],
      },
    ];
    const tallies: Tally[] = [];
    for (const options of loads) tallies.push(await load(options));
    return sum(tallies);
  },
};
