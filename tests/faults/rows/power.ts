/** Row 3: the power fails. */

import { CRASH_KILLS, killEverywhere } from "../crash_kills.ts";
import { BrokenPromiseError } from "../crash_ledger.ts";
import { cutPower, POWER_CUTS } from "../power_cuts.ts";
import { NOTHING, ONE, type Tally, tallyEach } from "../tally.ts";
import type { Row } from "./row.ts";

/** Row 3. */
export const POWER_ROW: Row = {
  number: 3,
  fault: "power cut at any point, also after a kill",
  how: "a model of the disk: what was not synced is lost, zeros, garbage, old or new, by sector and by name",
  run: async ({ isQuick }) => {
    const factor = isQuick ? 0.1 : 1;
    const plays = [
      ...POWER_CUTS.map((powerCut) => () => cutPower(powerCut, factor)),
      ...CRASH_KILLS.map((crashKill) => () => killEverywhere(crashKill, factor)),
    ];
    return await tallyEach(plays, 1, judged);
  },
};

async function judged(play: () => Promise<number>): Promise<Tally> {
  try {
    return { ...NOTHING, injections: await play() };
  } catch (error) {
    if (!(error instanceof BrokenPromiseError)) throw error;
    const { kind, message } = error;
    // A play ends with its first broken promise.
    return {
      ...ONE,
      losses: kind === "loss" ? 1 : 0,
      duplicates: kind === "duplicate" ? 1 : 0,
      problems: [message],
    };
  }
}
