/**
 * Records of the journal for tests. By default, an entry is for the room `!a`. The default times
 * are 10 (queued), 20 (attempt), 30 (failure) and 40 (delivery).
 */

import type { JournalRecord, NackRecord } from "../../src/queue/record.ts";
import { QueueState } from "../../src/queue/state.ts";

type Enqueue = Extract<JournalRecord, { t: "enq" }>;
type Ack = Extract<JournalRecord, { t: "ack" }>;

export function enq(id: string, more: Partial<Enqueue> = {}): Enqueue {
  return {
    ...{ t: "enq", id, time: 10, channel: "matrix", destination: "!a", notification: { id }, expires: 1000 },
    ...more,
  };
}

export function att(id: string, n = 1, time = 20): JournalRecord {
  return { t: "att", id, n, time };
}

export function nack(id: string, failure: NackRecord["class"], more: Partial<NackRecord> = {}): JournalRecord {
  return { ...{ t: "nack", id, n: 1, time: 30, class: failure, reason: failure, next: 50 }, ...more };
}

export function ack(id: string, more: Partial<Ack> = {}): JournalRecord {
  return { ...{ t: "ack", id, time: 40, receipt: `$${id}`, via: "put" }, ...more };
}

/** Applies records of 100 bytes each. The caller waits for the result of each entry. */
export function fold(...records: JournalRecord[]): QueueState {
  const state = new QueueState();
  for (const record of records) {
    if (record.t === "enq") state.watch([record.id]);
    state.apply(record, 100);
  }
  return state;
}
