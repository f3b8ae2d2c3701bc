import type { Tally } from "../tally.ts";

/** How much of a row is run. */
export interface Effort {
  /** Whether only a sample is run. */
  readonly isQuick: boolean;
  /** How many injections run at the same time. */
  readonly jobs: number;
}

/** A row of the failure matrix. */
export interface Row {
  /** Its number in the failure matrix. */
  readonly number: number;
  /** The fault. */
  readonly fault: string;
  /** How the fault is injected. */
  readonly how: string;
  readonly run: (effort: Effort) => Promise<Tally>;
}

/** Returns all items, or every n-th one for a sample. */
export function sample<Item>(items: readonly Item[], { isQuick }: Effort, every: number = 5): readonly Item[] {
  return isQuick ? items.filter((_, at) => at % every === 0) : items;
}

/** Returns all combinations of two lists. */
export function pairs<A, B>(these: readonly A[], those: readonly B[]): [A, B][] {
  return these.flatMap((one) => those.map((other): [A, B] => [one, other]));
}
