/** Counts of injections and problems. */

/** The result of one or many injections. */
export interface Tally {
  /** How often a fault was injected. */
  readonly injections: number;
  readonly losses: number;
  readonly duplicates: number;
  /** All problems, one sentence each, with losses and duplicates. */
  readonly problems: readonly string[];
  /** What could not run on this machine, with the reason, one sentence each. */
  readonly notRun: readonly string[];
  /** Directories that were kept because of problems. */
  readonly evidence: readonly string[];
  /** Measurements, one sentence each. */
  readonly notes: readonly string[];
}

/** No injection. */
export const NOTHING: Tally = {
  ...{ injections: 0, losses: 0, duplicates: 0 },
  ...{ problems: [], notRun: [], evidence: [], notes: [] },
};

/** One injection without problems. */
export const ONE: Tally = { ...NOTHING, injections: 1 };

/** Adds tallies. */
export function sum(tallies: Iterable<Tally>): Tally {
  return Array.from(tallies).reduce((total, tally) => ({
    injections: total.injections + tally.injections,
    losses: total.losses + tally.losses,
    duplicates: total.duplicates + tally.duplicates,
    problems: [...total.problems, ...tally.problems],
    notRun: [...total.notRun, ...tally.notRun],
    evidence: [...total.evidence, ...tally.evidence],
    notes: [...total.notes, ...tally.notes],
  }), NOTHING);
}

/** A test that cannot run on this machine. It does not count as passed. */
export function notRun(reason: string): Tally {
  return { ...NOTHING, notRun: [reason] };
}

/** Problems other than losses and duplicates. */
export function problem(...problems: readonly string[]): Tally {
  return { ...NOTHING, problems };
}

/** Runs a function for each item, some at the same time. An error is a problem of its item. */
export async function tallyEach<Item>(
  items: Iterable<Item>,
  jobs: number,
  each: (item: Item) => Promise<Tally>,
): Promise<Tally> {
  const tallies: Tally[] = [];
  const queue = Iterator.from(items);
  async function work(): Promise<void> {
    for (let next = queue.next(); !next.done; next = queue.next()) {
      await yieldToEventLoop();
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
 * Runs a trial. Repeats it if the port of its homeserver was taken while the homeserver was
 * stopped: another trial uses it.
 *
 * @throws {Error} if the trial throws
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

/** Lets timers and connections of concurrent trials go on. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Prefixes problems with their place. */
export function prefixProblems(where: string, tally: Tally): Tally {
  return { ...tally, problems: tally.problems.map((text) => `${where}: ${text}`) };
}
