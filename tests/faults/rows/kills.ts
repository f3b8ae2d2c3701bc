/** Rows 1 and 2: `kill -9`. */

import { storm } from "../storm.ts";
import { NOTHING, sum, type Tally } from "../tally.ts";
import type { Effort, Row } from "./row.ts";
import { swept } from "./swept.ts";

const KILLS = ["SIGKILL", "SIGKILL around the network"] as const;
const STORM_SEED = 20261122;

/** Rows 1 and 2. */
export const KILL_ROWS: readonly Row[] = [
  {
    number: 1,
    fault: "`kill -9` of a sender",
    how: "strace: at every system call on the queue and the network; ten kinds of `send`",
    run: (effort) => swept(KILLS, effort, "sender"),
  },
  {
    number: 2,
    fault: "`kill -9` of a deliverer",
    how:
      "strace: the same for six kinds of delivery; then a minute of random kills of senders and deliverers, with a failing homeserver",
    run: async (effort) => sum([await swept(KILLS, effort, "deliverer"), await runStorm(effort)]),
  },
];

async function runStorm({ isQuick }: Effort): Promise<Tally> {
  const { kills, verdict, problems, evidence } = await storm(isQuick ? 5 : 60, STORM_SEED);
  const { losses, duplicates } = verdict;
  return {
    ...NOTHING,
    injections: kills,
    losses: losses.length,
    duplicates: duplicates.length,
    problems,
    evidence,
  };
}
