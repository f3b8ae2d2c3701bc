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
    const plays: Play[] = [
      ...POWER_CUTS.map((powerCut) => ({ name: powerCut.name, run: () => cutPower(powerCut, factor) })),
      ...CRASH_KILLS.map((crashKill) => ({ name: crashKill.name, run: () => killEverywhere(crashKill, factor) })),
    ];
    return await tallyEach(plays, 1, judged);
  },
};

/** One that is played, and looked at from all sides. */
interface Play {
  readonly name: string;
  /** Says at how many states it looked. */
  readonly run: () => Promise<number>;
}

async function judged({ name, run }: Play): Promise<Tally> {
  try {
    return { ...NOTHING, injections: await run() };
  } catch (error) {
    if (!(error instanceof BrokenPromiseError)) throw error;
    const { kind, message } = error;
    // A play ends with its first broken promise.
    return {
      ...ONE,
      losses: kind === "loss" ? 1 : 0,
      duplicates: kind === "duplicate" ? 1 : 0,
      problems: [`${name}: ${message}`],
    };
  }
}
