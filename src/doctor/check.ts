/**
 * Checks are data: a name, the checks that must not have failed before, and what looks. One that throws has found something too, so that none is in the way
 * of the next; one whose ground is gone is not run, and says so.
 *
 * @module
 */

import { type Finding, findingOf, type Found, skipped } from "./finding.ts";

/** One question. */
export interface Check<Subject> {
  readonly name: string;
  /** The checks that it builds on: when one of them failed, or was not run, this one is not run. */
  readonly needs?: readonly string[];
  /** Looks, and changes nothing. What it throws becomes a failure. */
  look(subject: Subject): AsyncIterable<Found> | Iterable<Found>;
}

/**
 * Runs checks one after the other.
 *
 * @param prefix stands before the names in the findings: `matrix/`
 */
export async function* runChecks<Subject>(
  checks: readonly Check<Subject>[],
  subject: Subject,
  { prefix = "", signal }: { readonly prefix?: string; readonly signal?: AbortSignal } = {},
): AsyncGenerator<Finding> {
  const broken = new Set<string>();
  for (const { name, needs = [], look } of checks) {
    signal?.throwIfAborted();
    const check = prefix + name;
    const ground = needs.find((need) => broken.has(need));
    if (ground !== undefined) {
      broken.add(name);
      yield { check, ...skipped(`not looked at: ${prefix}${ground} comes first`) };
      continue;
    }
    try {
      for await (const found of look(subject)) {
        if (found.state === "failure") broken.add(name);
        yield { check, ...found };
      }
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      broken.add(name);
      yield { check, ...findingOf(error) };
    }
  }
}
