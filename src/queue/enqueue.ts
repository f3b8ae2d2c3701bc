/**
 * Writes envelopes to the queue. An envelope is a notification for one destination, and becomes an
 * entry in the queue. If the journal cannot be written, the entry is written to `spool/`. When the
 * promise of `enqueue` resolves, the entry is in the journal, in `spool/`, or in both.
 *
 * @module
 */

import { StorageError } from "../base/errors.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { attemptRecords, enqueueRecord, type EnqueueRequest } from "./change_records.ts";
import { type Entry, laneKey } from "./entry.ts";
import { createEntry } from "./entry_transitions.ts";
import type { Journal } from "./journal.ts";
import { MAX_QUEUE_BYTES, URGENT_BYTES } from "./limits.ts";
import type { EnqueueRecord, JournalRecord } from "./record.ts";
import type { Spool } from "./spool.ts";
import type { QueueState } from "./state.ts";

/** The result of {@linkcode Queue.enqueue}. */
export interface Enqueued {
  readonly entries: readonly Entry[];
  /** The watch of the entries. The caller disposes of it when it has read their results. */
  readonly watch: Disposable;
  /** The reason why the entries cannot be sent now. The entries are safe on the disk. */
  readonly problem?: StorageError;
}

/** The parts of the queue that an {@linkcode Enqueuer} uses. */
export interface EnqueuerParts {
  readonly journal: Journal;
  readonly spool: Spool;
  readonly runtime: Pick<Runtime, "now" | "uuid">;
  readonly state: () => QueueState;
}

/** Enqueues requests, and imports the spool (entries that could not be written to the journal). */
export class Enqueuer {
  readonly #parts: EnqueuerParts;

  constructor(parts: EnqueuerParts) {
    this.#parts = parts;
  }

  /** See {@linkcode Queue.enqueue}. */
  async enqueue(
    requests: readonly EnqueueRequest[],
    leavesNow: (request: EnqueueRequest) => boolean,
  ): Promise<Enqueued> {
    const { journal, spool, runtime, state } = this.#parts;
    const time = runtime.now();
    if (requests.some((request) => state().findDuplicate(request))) await this.#confirmDuplicates();
    const records = this.#toRecords(requests, time);
    const fresh = records.filter((record) => state().findDuplicate(record) === undefined);
    using watch = new DisposableStack();
    watch.use(state().watch(fresh.map(({ id }) => id)));
    const finish = (toEntry: (record: EnqueueRecord) => Entry, problem?: StorageError): Enqueued => {
      const entries = records.map(toEntry);
      for (const { id, receipt } of records.flatMap((record) => state().findDuplicate(record) ?? [])) {
        watch.use(state().watch([id], receipt === undefined ? undefined : { state: "delivered", receipt }));
      }
      return { entries, watch: watch.move(), problem };
    };
    const withoutState = (record: EnqueueRecord) => this.#withoutState(record);
    if (fresh.length > 0) {
      const urgentBytes = requests.some(({ isUrgent }) => isUrgent) ? URGENT_BYTES : 0;
      const primaries = fresh.filter(({ fallbackFor }) => fallbackFor === undefined);
      const leaving = primaries.filter((record) => leavesNow(record));
      const lines = fresh.flatMap((record): JournalRecord[] => [
        record,
        ...(leaving.includes(record) ? attemptRecords([{ id: record.id, attempts: 0 }], time) : []),
      ]);
      // If all entries are sent now, the directory is not synced here, but only after a failed
      // attempt.
      const durability = leaving.length === primaries.length ? "data" : "directory";
      try {
        await journal.append(lines, durability, MAX_QUEUE_BYTES + urgentBytes);
      } catch (error) {
        if (!(error instanceof StorageError) || (error.code !== "locked" && error.code !== "write-failed")) throw error;
        spool.put(fresh, urgentBytes);
        return finish(withoutState, error);
      }
    }
    try {
      journal.readAppended();
      return finish((record) => this.#findEntry(record));
    } catch (error) {
      // The entries are on the disk, so `enqueue` must not fail.
      if (!(error instanceof StorageError)) throw error;
      return finish(withoutState, error);
    }
  }

  /**
   * Creates the records of requests. Skips a fallback if an earlier call enqueued all entries that
   * are tried before it. That earlier call also enqueued the fallback.
   */
  #toRecords(requests: readonly EnqueueRequest[], time: number): EnqueueRecord[] {
    const { runtime, state } = this.#parts;
    const isKnown = (request: EnqueueRequest) => state().findDuplicate(request) !== undefined;
    const wanted = requests.filter((request) => !isLateAttachment(request, requests, isKnown));
    const records = new Map(wanted.map((request) => [request, enqueueRecord(request, runtime.uuid(), time)]));
    return Array.from(records).flatMap(([{ primaries }, record]) => {
      const fresh = primaries?.filter(({ request }) => !isKnown(request));
      if (fresh === undefined) return [record];
      const fallbackFor = Object.fromEntries(
        fresh.map(({ request, afterMs }) => [records.get(request)?.id, time + afterMs]),
      );
      return fresh.length === 0 ? [] : [{ ...record, fallbackFor }];
    });
  }

  /** See {@linkcode Queue.importSpool}. */
  async importSpool(): Promise<void> {
    const { journal, spool, state, runtime } = this.#parts;
    const files = spool.list(runtime.now());
    if (files.length === 0) return spool.remove([], runtime.now());
    // If an earlier import was killed, the files of the spool may still exist. Their entries may
    // already be in the journal, but may not be synced yet. These entries are not appended again.
    const fresh = files.flatMap(({ records }) => records).filter(({ id }) => state().entry(id) === undefined);
    if (fresh.length > 0) {
      await journal.append(fresh.map((record) => ({ ...record, spooled: true })), "directory");
      journal.readAppended();
    } else journal.sync();
    spool.remove(files, runtime.now());
  }

  /**
   * Syncs the journal and reads it again. A request is a duplicate only if the original entry is
   * safe on the disk. Another process may have written the original entry, but not synced it yet.
   * If its sync fails, that process removes the original entry.
   */
  async #confirmDuplicates(): Promise<void> {
    await this.#parts.journal.exclusively(() => this.#parts.journal.sync());
    this.#parts.journal.read();
  }

  /** Finds the entry of a record. For a duplicate, finds the entry that was enqueued first. */
  #findEntry(record: EnqueueRecord): Entry {
    const state = this.#parts.state();
    const own = state.entry(record.id);
    // Another process may have delivered the entry already.
    if (own !== undefined || state.finalState(record.id)) return own ?? createEntry(record);
    if (state.findDuplicate(record) === undefined) {
      throw new StorageError(
        "io-error",
        `Cannot find entry ${record.id} in the journal: another program changed the file`,
      );
    }
    const entry = this.#withoutState(record);
    return state.entry(entry.id) ?? entry;
  }

  /**
   * Creates an entry from its record only, without the later changes in the journal. If the record
   * is a duplicate, the entry gets the id of the entry that was enqueued first, and no files.
   */
  #withoutState(record: EnqueueRecord): Entry {
    const { id = record.id } = this.#parts.state().findDuplicate(record) ?? {};
    return id === record.id ? createEntry(record) : { ...createEntry(record), id, files: undefined };
  }
}

/**
 * Returns true if an earlier call enqueued the text of a notification, but not this attachment. A
 * repeated call must not add attachments.
 */
function isLateAttachment(
  request: EnqueueRequest,
  all: readonly EnqueueRequest[],
  isKnown: (request: EnqueueRequest) => boolean,
): boolean {
  if (request.attachmentIndex === undefined || isKnown(request)) return false;
  return all.some((text) => text.attachmentIndex === undefined && laneKey(text) === laneKey(request) && isKnown(text));
}
