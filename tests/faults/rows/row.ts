/** A row of the failure matrix: data, and a function. */

import type { Tally } from "../tally.ts";

/** How much of a row is tried. */
export interface Effort {
  /** Whether a sample will do. */
  readonly isQuick: boolean;
  /** How many injections run side by side. */
  readonly jobs: number;
}

/** A row. */
export interface Row {
  /** Its number in the failure matrix. */
  readonly number: number;
  /** What goes wrong. */
  readonly fault: string;
  /** How it is made to go wrong. */
  readonly how: string;
  readonly run: (effort: Effort) => Promise<Tally>;
}

/** All of them, or every so manieth where a sample will do. */
export function sample<Item>(items: readonly Item[], { isQuick }: Effort, every: number = 5): readonly Item[] {
  return isQuick ? items.filter((_, at) => at % every === 0) : items;
}

/** Each of these with each of those. */
export function pairs<A, B>(these: readonly A[], those: readonly B[]): [A, B][] {
  return these.flatMap((one) => those.map((other): [A, B] => [one, other]));
}
