/** What a row of the suite adds up to. */

/** The sum of many injections. */
export interface Tally {
  /** How often the fault happened. */
  readonly injections: number;
  readonly losses: number;
  readonly duplicates: number;
  /** What is wrong, one sentence each; losses and duplicates are among them. */
  readonly problems: readonly string[];
  /** What could not be tried on this machine, and why, one sentence each. */
  readonly notRun: readonly string[];
  /** Directories that were kept, with the queues in which something went wrong. */
  readonly evidence: readonly string[];
}

/** Nothing happened. */
export const NOTHING: Tally = { injections: 0, losses: 0, duplicates: 0, problems: [], notRun: [], evidence: [] };

/** One fault that left nothing to say. */
export const ONE: Tally = { ...NOTHING, injections: 1 };

/** Adds up. */
export function sum(tallies: Iterable<Tally>): Tally {
  return Array.from(tallies).reduce((total, tally) => ({
    injections: total.injections + tally.injections,
    losses: total.losses + tally.losses,
    duplicates: total.duplicates + tally.duplicates,
    problems: [...total.problems, ...tally.problems],
    notRun: [...total.notRun, ...tally.notRun],
    evidence: [...total.evidence, ...tally.evidence],
  }), NOTHING);
}

/** Something that this machine cannot do. It never counts as passed. */
export function notRun(reason: string): Tally {
  return { ...NOTHING, notRun: [reason] };
}

/** What is wrong besides losses and duplicates. */
export function problem(...problems: readonly string[]): Tally {
  return { ...NOTHING, problems };
}

/**
 * Does the same for each of many, some of them side by side; what one throws is a problem of that
 * one.
 */
export async function tallyEach<Item>(
  items: Iterable<Item>,
  jobs: number,
  each: (item: Item) => Promise<Tally>,
): Promise<Tally> {
  const tallies: Tally[] = [];
  const queue = Iterator.from(items);
  async function work(): Promise<void> {
    for (let next = queue.next(); !next.done; next = queue.next()) {
      await breathe();
      try {
        const { value } = next;
        tallies.push(await withOwnPorts(() => each(value)));
      } catch (error) {
        tallies.push(problem(`${JSON.stringify(next.value)}: ${error instanceof Error ? error.stack : error}`));
      }
    }
  }
  await Promise.all(Array.from({ length: jobs }, work));
  return sum(tallies);
}

/**
 * Runs a trial; once more when a homeserver that was away finds its port in other hands: those of
 * another trial's homeserver, which says nothing about us.
 *
 * @throws what the trial throws
 */
export async function withOwnPorts<Result>(trial: () => Promise<Result>): Promise<Result> {
  for (let left = 3;; left--) {
    try {
      return await trial();
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse) || left === 0) throw error;
    }
  }
}

/**
 * Lets timers and connections have their turn: what is tried in this process must not stand still
 * for what is tried beside it.
 */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Problems, each with the place where it was. */
export function placed(where: string, tally: Tally): Tally {
  return { ...tally, problems: tally.problems.map((text) => `${where}: ${text}`) };
}
