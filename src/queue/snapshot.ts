/** The records that make an entry what it is now: what compaction leaves of it. */

import type { Entry } from "./entry.ts";
import type { JournalRecord } from "./record.ts";

/** The shortest history of an entry; that of a digest begins with its members'. */
export function* snapshotOf(entry: Entry): Generator<JournalRecord> {
  const { id, time, channel, destination, members } = entry;
  if (members) {
    for (const member of members) yield* snapshotOf(member);
    yield { t: "batch", id, time, channel, destination, members: members.map((member) => member.id) };
  } else {
    const { notification, expires, key, title, resolves, idempotencyKey, fallbackFor, files, attachmentIndex } = entry;
    const said = { notification, expires, key, title, resolves, idempotencyKey, fallbackFor, files, attachmentIndex };
    // What it replaced is gone already: it must not replace anything again.
    yield { t: "enq", id, time, channel, destination, ...said };
  }
  const { attempts, inFlight, inDoubt, wait, dead, replaced, forced, noBatch } = entry;
  const isFresh = attempts === 0 && !inFlight && !inDoubt && !wait && !dead && !replaced && !forced && !noBatch &&
    !members;
  if (!isFresh) yield { t: "snap", id, attempts, inFlight, inDoubt, wait, dead, replaced, forced, noBatch };
}
