/** Row 3: power cuts. */

import { CRASH_KILLS, killEverywhere } from "../crash_kills.ts";
import { BrokenPromiseError } from "../crash_ledger.ts";
import { cutPower, POWER_CUTS } from "../power_cuts.ts";
import { NOTHING, ONE, type Tally, tallyEach } from "../tally.ts";
import type { Row } from "./row.ts";

/** Row 3. */
export const POWER_ROW: Row = {
  number: 3,
  fault: "a power cut at any moment, also after a kill",
  how: "a model of the disk: unsynced sectors are old, new, zeros or garbage; unsynced names are old or new",
  run: async ({ isQuick }) => {
    const factor = isQuick ? 0.1 : 1;
    const scenes: PlayedScene[] = [
      ...POWER_CUTS.map((powerCut) => ({ name: powerCut.name, run: () => cutPower(powerCut, factor) })),
      ...CRASH_KILLS.map((crashKill) => ({ name: crashKill.name, run: () => killEverywhere(crashKill, factor) })),
    ];
    return await tallyEach(scenes, 1, toTally);
  },
};

/** A scene with its checks. */
interface PlayedScene {
  readonly name: string;
  /** Returns the number of checked states. */
  readonly run: () => Promise<number>;
}

async function toTally({ name, run }: PlayedScene): Promise<Tally> {
  try {
    return { ...NOTHING, injections: await run() };
  } catch (error) {
    if (!(error instanceof BrokenPromiseError)) throw error;
    const { kind, message } = error;
    // A scene ends at its first broken promise.
    return {
      ...ONE,
      losses: kind === "loss" ? 1 : 0,
      duplicates: kind === "duplicate" ? 1 : 0,
      problems: [`${name}: ${message}`],
    };
  }
}
