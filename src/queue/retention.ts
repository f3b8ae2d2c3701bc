/** When a compaction is worth it, and what of the history it keeps. */

import { ACK_RETENTION_MS, MIN_COMPACTION_BYTES, NAMED_ACK_RETENTION_MS, NEARLY_FULL_BYTES } from "./limits.ts";
import type { AckRecord, JournalRecord } from "./record.ts";

/** Whether more than half of a journal over 256 KiB is history; of one that is nearly full a tenth is enough. */
export function isWorthCompacting(bytes: number, keptBytes: number): boolean {
  const worth = bytes > NEARLY_FULL_BYTES ? 1.1 : 2;
  return bytes > MIN_COMPACTION_BYTES && bytes > worth * keptBytes;
}

/** What is kept besides the state: acknowledgements, as long as somebody may ask for them again. */
export function isKept(record: JournalRecord, now: number): record is AckRecord {
  return record.t === "ack" &&
    record.time > now - (record.idempotencyKey === undefined ? ACK_RETENTION_MS : NAMED_ACK_RETENTION_MS);
}
