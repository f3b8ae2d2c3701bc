/** A row of the table of benchmarks. */

import { type Cost, medians, type Pairs, pick, ratios, spread } from "./measure.ts";
import type { BenchWorld } from "./world.ts";

/** The options of a run. */
export interface RowOptions {
  /** True for few rounds and small queues: the figures are then only a hint. */
  readonly isQuick: boolean;
}

/** One line of the table. */
export interface Line {
  readonly what: string;
  /** The goal, or `report only`. */
  readonly goal: string;
  /** Wall time: the ratio, then both medians. */
  readonly wall?: string;
  readonly cpu?: string;
  readonly memory?: string;
  /** What else was seen. */
  readonly note?: string;
}

/** A group of lines that are measured together. */
export interface Row {
  /** The name on the command line. */
  readonly name: string;
  run(world: BenchWorld, options: RowOptions): Promise<readonly Line[]>;
}

/** Creates a line from two programs that ran in turns. */
export function costLine(what: string, goal: string, pairs: Pairs<Cost>): Line {
  const [wall, cpu, peak] = [
    pick(pairs, ({ wallMs }) => wallMs),
    pick(pairs, ({ cpuMs }) => cpuMs),
    pick(pairs, ({ peakMib }) => peakMib),
  ];
  const more = spread(peak.ours.map((value, at) => value - peak.floor[at]), 1);
  return {
    what,
    goal,
    wall: `**${ratios(wall)}** ${medians(wall, "ms")}`,
    cpu: `**${ratios(cpu)}** ${medians(cpu, "ms")}`,
    memory: `**+${more} MiB** ${medians(peak, "MiB")}`,
  };
}
