/**
 * The way in. An envelope becomes an entry in the journal, or, where the journal cannot be had, in `spool/`; it is never in neither when its caller
 * was told that it is taken.
 *
 * @module
 */

import { StorageError } from "../base/errors.ts";
import { newEntry } from "./transitions.ts";
import { type Entry, laneKey } from "./entry.ts";
import type { Spool } from "./spool.ts";
import type { Journal } from "./journal.ts";
import { MAX_QUEUE_BYTES, URGENT_BYTES } from "./limits.ts";
import type { Enqueued, EnqueueRequest, QueueRuntime } from "./queue_types.ts";
import type { EnqueueRecord, JournalRecord } from "./record.ts";
import type { QueueState } from "./state.ts";

/** What the way in leads to. */
export interface EnqueuerParts {
  readonly journal: Journal;
  readonly spool: Spool;
  readonly runtime: QueueRuntime;
  /** What was read so far. */
  readonly state: () => QueueState;
  /** Reads what is new. */
  readonly refresh: () => void;
}

/** Takes envelopes in. */
export class Enqueuer {
  readonly #parts: EnqueuerParts;

  constructor(parts: EnqueuerParts) {
    this.#parts = parts;
  }

  /** What {@linkcode Queue.enqueue} promises. */
  async enqueue(drafts: readonly EnqueueRequest[], leavesNow: (draft: EnqueueRequest) => boolean): Promise<Enqueued> {
    const { journal, spool, runtime, state } = this.#parts;
    const time = runtime.now();
    if (drafts.some((draft) => state().findDuplicate(draft))) await this.#makeSure();
    const named = this.#recordsOf(drafts, time);
    const incoming = named.filter((record) => state().findDuplicate(record) === undefined);
    state().watch(incoming.map(({ id }) => id));
    if (incoming.length > 0) {
      const urgent = drafts.some(({ isUrgent }) => isUrgent) ? URGENT_BYTES : 0;
      const first = incoming.filter(({ fallbackFor }) => fallbackFor === undefined);
      const leaving = first.filter((record) => leavesNow(record));
      const records = incoming.flatMap((record): JournalRecord[] =>
        leaving.includes(record) ? [record, { t: "att", id: record.id, n: 1, time }] : [record]
      );
      // Who leaves now needs no name on the disk: when it does not arrive, the name is synced behind it.
      const durability = leaving.length === first.length ? "data" : "directory";
      try {
        await journal.append(records, durability, MAX_QUEUE_BYTES + urgent);
      } catch (error) {
        if (!(error instanceof StorageError) || (error.code !== "busy" && error.code !== "unwritten")) throw error;
        spool.put(incoming);
        return { entries: named.map((record) => this.#standIn(record)), problem: error };
      }
    }
    try {
      this.#parts.refresh();
      return { entries: named.map((record) => this.#entryOf(record)) };
    } catch (error) {
      // They are on the disk. That they cannot be read now must not look as if they were not.
      if (!(error instanceof StorageError)) throw error;
      return { entries: named.map((record) => this.#standIn(record)), problem: error };
    }
  }

  /** Drafts as records. What stands in only for those that were taken in before was taken in with them, and is none. */
  #recordsOf(drafts: readonly EnqueueRequest[], time: number): EnqueueRecord[] {
    const { runtime, state } = this.#parts;
    const isKnown = (draft: EnqueueRequest) => state().findDuplicate(draft) !== undefined;
    const taken = drafts.filter((draft) => !isLateFile(draft, drafts, isKnown));
    const records = new Map(taken.map((draft) => [draft, recordOf(draft, runtime.uuid(), time)]));
    return Array.from(records).flatMap(([{ primaries }, record]) => {
      const fresh = primaries?.filter(({ request }) => !isKnown(request));
      if (fresh === undefined) return [record];
      const fallbackFor = Object.fromEntries(
        fresh.map(({ request, afterMs }) => [records.get(request)?.id, time + afterMs]),
      );
      return fresh.length === 0 ? [] : [{ ...record, fallbackFor }];
    });
  }

  /** What {@linkcode Queue.importSpool} promises. */
  async importSpool(): Promise<void> {
    const { journal, spool, state, refresh, runtime } = this.#parts;
    const files = spool.list(runtime.now());
    if (files.length === 0) return spool.remove([]);
    // Whoever took them in before may have died before it removed them, and before what it wrote was on the disk.
    const fresh = files.flatMap(({ records }) => records).filter(({ id }) => state().entry(id) === undefined);
    if (fresh.length > 0) {
      await journal.append(fresh.map((record) => ({ ...record, spooled: true })), "directory");
      refresh();
    } else journal.sync();
    spool.remove(files);
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
    if (own !== undefined || state.finalState(record.id)) return own ?? newEntry(record);
    const twin = state.findDuplicate(record);
    if (twin === undefined) {
      throw new StorageError("io", `Cannot find entry ${record.id} again: the journal was changed from outside`);
    }
    state.watch([twin.id], twin.receipt === undefined ? undefined : { state: "delivered", receipt: twin.receipt });
    return state.entry(twin.id) ?? this.#standIn(record);
  }

  /** What is known of an entry that cannot be read. One that was taken in before has no need of these files. */
  #standIn(record: EnqueueRecord): Entry {
    const twin = this.#parts.state().findDuplicate(record);
    if (twin === undefined || twin.id === record.id) return newEntry(record);
    return { ...newEntry(record), id: twin.id, files: undefined };
  }
}

/** Whether it is a file of what was taken in before without it: of two that have the same name, the second is none, whatever it brings. */
function isLateFile(
  draft: EnqueueRequest,
  all: readonly EnqueueRequest[],
  isKnown: (draft: EnqueueRequest) => boolean,
): boolean {
  if (draft.attachmentIndex === undefined || isKnown(draft)) return false;
  return all.some((text) => text.attachmentIndex === undefined && laneKey(text) === laneKey(draft) && isKnown(text));
}

/** What an envelope is in the journal. */
export function recordOf(
  { isUrgent: _, primaries: __, ...draft }: EnqueueRequest,
  id: string,
  time: number,
): EnqueueRecord {
  return { t: "enq", id, time, ...draft };
}
