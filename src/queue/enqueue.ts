/**
 * The way in. An envelope becomes an entry in the journal, or, where the journal cannot be had, in `intake/`; it is never in neither when its caller
 * was told that it is taken.
 *
 * @module
 */

import { QueueError } from "../base/errors.ts";
import { newEntry } from "./transitions.ts";
import { type Entry, laneKey } from "./entry.ts";
import type { Intake } from "./spool.ts";
import type { Journal } from "./journal.ts";
import { MAX_QUEUE_BYTES, URGENT_BYTES } from "./limits.ts";
import type { Draft, Enqueued, QueueRuntime } from "./queue_types.ts";
import type { EnqueueRecord, JournalRecord } from "./record.ts";
import type { QueueState } from "./state.ts";

/** What the way in leads to. */
export interface AdmissionParts {
  readonly journal: Journal;
  readonly intake: Intake;
  readonly runtime: QueueRuntime;
  /** What was read so far. */
  readonly state: () => QueueState;
  /** Reads what is new. */
  readonly refresh: () => void;
}

/** Takes envelopes in. */
export class Admission {
  readonly #parts: AdmissionParts;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  /** What {@linkcode Queue.enqueue} promises. */
  async enqueue(drafts: readonly Draft[], leavesNow: (draft: Draft) => boolean): Promise<Enqueued> {
    const { journal, intake, runtime, state } = this.#parts;
    const time = runtime.now();
    if (drafts.some((draft) => state().twinOf(draft))) await this.#makeSure();
    const named = this.#recordsOf(drafts, time);
    const incoming = named.filter((record) => state().twinOf(record) === undefined);
    for (const { id } of incoming) state().watch(id);
    if (incoming.length > 0) {
      const urgent = drafts.some(({ isUrgent }) => isUrgent) ? URGENT_BYTES : 0;
      const first = incoming.filter(({ unless }) => unless === undefined);
      const leaving = first.filter((record) => leavesNow(record));
      const records = incoming.flatMap((record): JournalRecord[] =>
        leaving.includes(record) ? [record, { t: "att", id: record.id, n: 1, time }] : [record]
      );
      // Who leaves now needs no name on the disk: when it does not arrive, the name is synced behind it.
      const durability = leaving.length === first.length ? "data" : "directory";
      try {
        await journal.append(records, durability, MAX_QUEUE_BYTES + urgent);
      } catch (error) {
        if (!(error instanceof QueueError) || (error.trouble !== "busy" && error.trouble !== "unwritten")) throw error;
        intake.put(incoming);
        return { entries: named.map((record) => this.#standIn(record)), problem: error };
      }
    }
    try {
      this.#parts.refresh();
      return { entries: named.map((record) => this.#entryOf(record)) };
    } catch (error) {
      // They are on the disk. That they cannot be read now must not look as if they were not.
      if (!(error instanceof QueueError)) throw error;
      return { entries: named.map((record) => this.#standIn(record)), problem: error };
    }
  }

  /** Drafts as records. What stands in only for those that were taken in before was taken in with them, and is none. */
  #recordsOf(drafts: readonly Draft[], time: number): EnqueueRecord[] {
    const { runtime, state } = this.#parts;
    const isKnown = (draft: Draft) => state().twinOf(draft) !== undefined;
    const taken = drafts.filter((draft) => !isLateFile(draft, drafts, isKnown));
    const records = new Map(taken.map((draft) => [draft, recordOf(draft, runtime.uuid(), time)]));
    return Array.from(records).flatMap(([{ standsFor }, record]) => {
      const fresh = standsFor?.filter(({ draft }) => !isKnown(draft));
      if (fresh === undefined) return [record];
      const unless = Object.fromEntries(fresh.map(({ draft, afterMs }) => [records.get(draft)?.id, time + afterMs]));
      return fresh.length === 0 ? [] : [{ ...record, unless }];
    });
  }

  /** What {@linkcode Queue.takeIn} promises. */
  async takeIn(): Promise<void> {
    const { journal, intake, state, refresh, runtime } = this.#parts;
    const files = intake.list(runtime.now());
    if (files.length === 0) return intake.remove([]);
    // Whoever took them in before may have died before it removed them, and before what it wrote was on the disk.
    const fresh = files.flatMap(({ records }) => records).filter(({ id }) => state().entry(id) === undefined);
    if (fresh.length > 0) {
      await journal.append(fresh.map((record) => ({ ...record, aside: true })), "directory");
      refresh();
    } else journal.sync();
    intake.remove(files);
  }

  /** Whoever took the twin in may not have confirmed it yet, and may still take it back. */
  async #makeSure(): Promise<void> {
    await this.#parts.journal.exclusively(() => this.#parts.journal.sync());
    this.#parts.refresh();
  }

  /** The entry that a record became, or the one that was taken in before under the same name. */
  #entryOf(record: EnqueueRecord): Entry {
    const state = this.#parts.state();
    const own = state.entry(record.id);
    // Another process may have been faster than this reading: then it is settled already.
    if (own !== undefined || state.settlement(record.id)) return own ?? newEntry(record);
    const twin = state.twinOf(record);
    if (twin === undefined) {
      throw new QueueError("io", `Cannot find entry ${record.id} again: the journal was changed from outside`);
    }
    state.watch(twin.id, twin.receipt === undefined ? undefined : { state: "delivered", receipt: twin.receipt });
    return state.entry(twin.id) ?? this.#standIn(record);
  }

  /** What is known of an entry that cannot be read. One that was taken in before has no need of these files. */
  #standIn(record: EnqueueRecord): Entry {
    const twin = this.#parts.state().twinOf(record);
    if (twin === undefined || twin.id === record.id) return newEntry(record);
    return { ...newEntry(record), id: twin.id, files: undefined };
  }
}

/** Whether it is a file of what was taken in before without it: of two that have the same name, the second is none, whatever it brings. */
function isLateFile(draft: Draft, all: readonly Draft[], isKnown: (draft: Draft) => boolean): boolean {
  if (draft.part === undefined || isKnown(draft)) return false;
  return all.some((text) => text.part === undefined && laneKey(text) === laneKey(draft) && isKnown(text));
}

/** What an envelope is in the journal. */
export function recordOf({ isUrgent: _, standsFor: __, ...draft }: Draft, id: string, time: number): EnqueueRecord {
  return { t: "enq", id, time, ...draft };
}
