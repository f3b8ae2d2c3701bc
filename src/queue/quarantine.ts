/** What was set aside in `quarantine/`, counted. */

import type { Files } from "./files.ts";
import { TORN_SUFFIX } from "./journal.ts";
import type { QueueFigures } from "./queue_types.ts";
import { guard } from "./trouble.ts";

/**
 * Counts it.
 *
 * @param hasTornEnd whether the journal ends in a line that is not whole
 */
export function countSetAside(
  files: Files,
  queueDirectory: string,
  hasTornEnd: boolean,
): Pick<QueueFigures, "quarantined" | "torn"> {
  const copies = guard("list the quarantine", () => files.list(`${queueDirectory}/quarantine`));
  // A name that begins with a dot is a copy that somebody did not finish; the next reader makes it again.
  const aside = copies.filter((name) => !name.startsWith("."));
  const torn = aside.filter((name) => name.endsWith(TORN_SUFFIX)).length;
  return { quarantined: aside.length - torn, torn: torn + (hasTornEnd ? 1 : 0) };
}
