/** What is written down of an attempt's end. */

import type { Entry } from "./entry.ts";
import type { AttemptResult } from "./queue_types.ts";
import type { AckRecord, JournalRecord } from "./record.ts";

/**
 * The records that settle an attempt of an entry.
 *
 * A digest's members have acknowledgements of their own, for their names, for those who watch them, and for older versions, which know no digests. They come
 * first: when the end of it all is lost, the digest is tried again, whole, and no name is forgotten.
 */
export function resultRecords(entry: Entry, result: AttemptResult, time: number): JournalRecord[] {
  const common = { id: entry.id, time };
  if (result.state === "delivered") {
    const { state: _, ...ack } = result;
    const { receipt, via } = ack;
    const members = (entry.members ?? []).map((member): JournalRecord => {
      return { t: "ack", id: member.id, time, receipt, via, ...nameOf(member) };
    });
    return [...members, { t: "ack", ...common, ...ack, ...nameOf(entry) }];
  }
  if (result.state === "dead") {
    const { state: _, ...grave } = result;
    return [{ t: "dead", ...common, ...grave }];
  }
  const { state: _, ...nack } = result;
  return [{ t: "nack", n: entry.attempts, ...common, ...nack }];
}

/** The record that takes an announcement back. */
export function withdrawalRecord({ id, attempts }: Entry, time: number): JournalRecord {
  return { t: "nack", id, n: attempts, time, class: "withdrawn", reason: "the attempt before it failed", next: time };
}

/** The record that nobody is left who would hear the answer to an attempt. It is not tried again before `next`. */
export function killedRecord({ id, attempts }: Entry, time: number, next: number): JournalRecord {
  const reason = "The process that was sending it was killed, and it may have arrived";
  return { t: "nack", id, n: attempts, time, class: "killed", reason, next, notBefore: next };
}

/** What an acknowledgement says, so that the name is known when the entry is long gone. */
function nameOf(
  { idempotencyKey, channel, destination }: Entry,
): Pick<AckRecord, "idempotencyKey" | "channel" | "destination"> {
  return idempotencyKey === undefined ? {} : { idempotencyKey, channel, destination };
}
