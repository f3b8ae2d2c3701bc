/** Runs checks one after the other. A check that throws has failed; a check that needs it is skipped. */

import { type Check, type Finding, findingOf, skipped } from "../channels/check.ts";

/**
 * Runs checks.
 *
 * @param prefix precedes the names of the checks in the findings: `matrix/`
 */
export async function* runChecks<Subject>(
  checks: readonly Check<Subject>[],
  subject: Subject,
  { prefix = "", signal }: { readonly prefix?: string; readonly signal?: AbortSignal } = {},
): AsyncGenerator<Finding> {
  const failedNames = new Set<string>();
  for (const { name, needs = [], look } of checks) {
    signal?.throwIfAborted();
    const check = prefix + name;
    const failed = needs.find((need) => failedNames.has(need));
    if (failed !== undefined) {
      failedNames.add(name);
      yield { check, ...skipped(`not checked: ${prefix}${failed} comes first`) };
      continue;
    }
    try {
      for await (const found of look(subject)) {
        if (found.state === "failure") failedNames.add(name);
        yield { check, ...found };
      }
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      failedNames.add(name);
      yield { check, ...findingOf(error) };
    }
  }
}
