/**
 * The state of the queue. Its invariant:
 *
 * > The state is computed only from the records of the journal, from the first to the last.
 * > Processes that read the same records have the same state.
 *
 * ```text
 * journal: hdr enq att nack enq ack … ──apply()──> QueueState ──snapshot()──> compacted journal
 *                                                    entries and batches, in the order of arrival
 *                                                    channels and lanes: waits, last deliveries
 *                                                    incidents, fallbacks
 *                                                    keys, idempotency keys
 * ```
 *
 * Therefore the state always agrees with the journal, even after a crash. The state does not
 * contain delivered entries. Therefore the memory use does not depend on the size of the journal.
 *
 * @module
 */

import { ChannelStates, RecentDeliveries, shortenWait } from "./channel_states.ts";
import { DedupIndex, type DedupKey, type Duplicate } from "./dedup_index.ts";
import { type ChannelState, type Entry, type EntryState, type Lane, laneKey, type SenderKey } from "./entry.ts";
import {
  countReplaced,
  createEntry,
  findReplaced,
  onAttempt,
  onFailure,
  onWithdrawal,
  snapshotRecords,
} from "./entry_transitions.ts";
import { Fallbacks, limitWait } from "./fallbacks.ts";
import { type Incident, Incidents, type IncidentSubject } from "./incidents.ts";
import type { LaneEntries } from "./lane_index.ts";
import { OrderedEntries } from "./ordered_entries.ts";
import {
  type AckRecord,
  copyEntryHistory,
  type DeadRecord,
  type EnqueueRecord,
  type FlushReach,
  type IncidentRecord,
  type JournalRecord,
  type NackRecord,
} from "./record.ts";
import { type FinalState, Watches } from "./watches.ts";

/** The state without the methods that change entries. */
export type ReadonlyQueueState = Omit<QueueState, "apply" | "snapshot" | "successor">;

/** The state of the queue, computed from the records of the journal. */
export class QueueState {
  readonly #entries = new OrderedEntries();
  readonly #channels = new ChannelStates();
  readonly #watches: Watches;
  readonly #dedup = new DedupIndex();
  readonly #deliveries = new RecentDeliveries();
  readonly #incidents = new Incidents();
  readonly #fallbacks = new Fallbacks(this.#entries, {
    cancel: (entry) => {
      this.#watches.conclude(entry.id, { state: "cancelled" });
      this.#remove(entry);
    },
    // If a destination got the report of an incident, it must also get the report that the incident
    // is over.
    isOwed: (entry) => entry.resolves === true && this.#incidents.find(entry) !== undefined,
  });
  #flushCount = 0;
  #keptBytes = 0;
  #possibleDuplicates = 0;
  #removedWithFiles = 0;
  #lastDelivery: number | undefined;

  /** @param watches the watches of an earlier state @default none */
  constructor(watches: Watches = new Watches()) {
    this.#watches = watches;
  }

  /**
   * Returns the waiting entries and the dead letters, in the order of arrival. Returns a batch
   * (several entries in one message) instead of its members.
   */
  entries(): Entry[] {
    return [...this.each()];
  }

  /** Iterates over {@linkcode QueueState.entries}. */
  each(): IteratorObject<Entry> {
    return this.#entries.values();
  }

  /** Returns the entries that are not dead letters, in the order of arrival. */
  liveEntries(): Entry[] {
    return [...this.eachLive()];
  }

  /** Iterates over the entries that are not dead letters, in the order of arrival. */
  eachLive(): IteratorObject<Entry> {
    return this.#entries.values().filter((entry) => !entry.dead);
  }

  /** Returns the live entries (not dead letters) of each lane, in the order of arrival. */
  lanes(): IteratorObject<LaneEntries> {
    return this.#entries.index.lanes();
  }

  /** Returns the live entries of one lane, in the order of arrival. */
  lane(lane: Lane): LaneEntries {
    return this.#entries.index.lane(lane);
  }

  /** Finds an entry, a batch, or a member of a batch. */
  entry(id: string): Entry | undefined {
    return this.#entries.find(id);
  }

  /** Finds the batch that contains an entry. */
  findBatch(id: string): Entry | undefined {
    return this.#entries.findBatch(id);
  }

  /**
   * Returns the state of an entry. A waiting entry is `held` if its channel waits for new
   * credentials.
   */
  entryState(entry: Entry): EntryState {
    return this.#channels.entryState(entry);
  }

  /** Returns the failures and the wait of a channel. */
  channelState(name: string): ChannelState {
    return this.#channels.get(name);
  }

  /**
   * Returns the times of the last deliveries of a lane (channel and destination), in milliseconds
   * since 1970, oldest first.
   */
  recentDeliveries(lane: Lane): readonly number[] {
    return this.#deliveries.get(lane);
  }

  /** Finds the open incident with the same key, channel and destination as `entry`. */
  findIncident(entry: IncidentSubject): Incident | undefined {
    return this.#incidents.find(entry);
  }

  /**
   * Lists the incidents that are open at the given time. They are sorted by the time of their last
   * delivery, oldest first.
   */
  openIncidents(time: number): IncidentRecord[] {
    return this.#incidents.all(time);
  }

  /**
   * Lists the lanes where an incident with this key is open, or where the delivery of a waiting
   * entry will open an incident. Ignores waiting fallbacks.
   */
  openIncidentLanes(key: SenderKey, time: number): Lane[] {
    const keyed = this.#dedup.findIdsWithKeyAnywhere(key).map((id) => this.entry(id)).filter((entry) =>
      entry !== undefined
    );
    const waiting = keyed.filter((entry) =>
      !entry.dead && entry.title !== undefined && !entry.resolves && entry.fallbackFor === undefined
    );
    const lanes = [...this.#incidents.withKey(key, time), ...waiting];
    return [...new Map(lanes.map((lane) => [laneKey(lane), lane])).values()];
  }

  /**
   * Finds the queued or delivered entry with the same idempotency key, channel and destination as
   * `entry`.
   */
  findDuplicate(entry: DedupKey): Duplicate | undefined {
    return this.#dedup.findDuplicate(entry);
  }

  /**
   * Watches entries, so that their final states are remembered. The watch continues if another
   * state replaces this state.
   *
   * @param finalState the final state of these entries, if it is already known
   * @returns an object that ends the watch when it is disposed of
   */
  watch(ids: readonly string[], finalState?: FinalState): Disposable {
    return this.#watches.watch(ids, finalState);
  }

  /** The number of watched entries. */
  get watchedCount(): number {
    return this.#watches.size;
  }

  /**
   * Returns the final state of a watched entry. Returns undefined until the entry has a final
   * state.
   */
  finalState(id: string): FinalState | undefined {
    return this.#watches.finalState(id);
  }

  /** Returns the names of the files that entries need. */
  *fileNames(): Generator<string> {
    for (const entry of this.#entries.values()) yield* entry.files ?? [];
  }

  /**
   * The number of removed entries that had files. When this number increases, some files may not be
   * needed any more.
   */
  get removedWithFiles(): number {
    return this.#removedWithFiles;
  }

  /** The number of entries that may have been delivered twice. */
  get possibleDuplicates(): number {
    return this.#possibleDuplicates;
  }

  /** The time of the last delivery, in milliseconds since 1970. */
  get lastDelivery(): number | undefined {
    return this.#lastDelivery;
  }

  /**
   * The number of flushes (requests to try all entries now). Automatic flushes after an outage are
   * not counted.
   */
  get flushCount(): number {
    return this.#flushCount;
  }

  /** The approximate size of the journal after a compaction, in bytes. */
  get keptBytes(): number {
    return this.#keptBytes + this.#dedup.ackBytes + this.#incidents.bytes;
  }

  /**
   * The number of `ack` records (the records of deliveries) that a compaction does not keep. They
   * are the first `ack` records of the journal.
   */
  get forgottenAcks(): number {
    return this.#dedup.forgottenAcks;
  }

  /**
   * Creates an empty state, to read the journal again from its beginning. The new state has the
   * watches of this state.
   */
  successor(): QueueState {
    const next = new QueueState(this.#watches);
    next.#flushCount = this.#flushCount;
    return next;
  }

  /**
   * Creates the shortest list of records that restores this state. The list does not include `ack`
   * records, which a compaction copies separately.
   *
   * @param header the time of the snapshot, and the name of the host
   */
  *snapshot(header: { readonly time: number; readonly host: string }): Generator<JournalRecord> {
    yield { t: "hdr", ...header, possibleDuplicates: this.#possibleDuplicates, lastDelivery: this.#lastDelivery };
    yield* this.#channels.snapshot();
    yield* this.#deliveries.snapshot(header.time);
    yield* this.#incidents.snapshot(header.time);
    for (const entry of this.#entries.values()) yield* snapshotRecords(entry);
  }

  /**
   * Applies the next record. Ignores records about entries that are not in the queue.
   *
   * @param bytes the length of the record's line
   */
  apply(record: JournalRecord, bytes = 0): void {
    switch (record.t) {
      case "hdr":
        this.#possibleDuplicates = record.possibleDuplicates ?? 0;
        this.#lastDelivery = record.lastDelivery;
        return;
      case "flush":
        return this.#flush(record.reach ?? "backoff");
      case "chan":
        return this.#channels.restore(record);
      case "lane":
        return this.#deliveries.restore(record);
      case "incident":
        return this.#incidents.restore(record);
      case "enq":
        return this.#enqueue(record, bytes);
      case "batch":
        if (this.#entries.addBatch(record, bytes)) this.#keptBytes += bytes;
        return;
      case "ack":
        this.#dedup.onDelivery(record, bytes);
        this.#watches.conclude(record.id, { state: "delivered", receipt: record.receipt });
    }
    const entry = this.#entries.find(record.id);
    if (entry === undefined) return;
    switch (record.t) {
      case "dead":
        return this.#moveToDeadLetters(entry, record);
      case "retry":
        this.#channels.endWait(entry.channel);
        return this.#entries.retry(entry, record.expires);
      case "drop":
        return this.#drop(entry, record.isUnneeded ? "cancelled" : "dropped");
    }
    // A batch is tried and delivered as a whole. Therefore the following records are ignored if
    // they name a member of a batch.
    if (this.#entries.findBatch(entry.id)) return;
    switch (record.t) {
      case "ack":
        return this.#deliver(entry, record);
      case "att":
        return this.#entries.set(onAttempt(entry, record));
      case "nack":
        this.#fail(entry, record);
        return this.#fallbacks.cancelUnneeded(entry);
      case "snap":
        return this.#entries.set({ ...entry, ...copyEntryHistory(record) });
    }
  }

  #enqueue(record: EnqueueRecord, bytes: number): void {
    if (this.#entries.find(record.id) || !this.#dedup.register(record)) return;
    const removed = record.replaces ? this.#supersede(record) : [];
    let entry = createEntry(record, bytes);
    if (removed.length > 0) entry = { ...entry, replaced: countReplaced(record, removed) };
    if (record.fallbackFor) {
      entry = { ...entry, fallbackFor: limitWait(record.fallbackFor, removed) };
      this.#fallbacks.add(entry);
    }
    if (record.spooled) this.#entries.insert(entry);
    else this.#entries.set(entry);
    this.#keptBytes += bytes;
  }

  #supersede(record: EnqueueRecord): Entry[] {
    // Members of a batch are not replaced, because the batch may have arrived.
    const earlier = this.#dedup.findIdsWithKey(record).map((id) => this.#entries.get(id));
    const replaced = findReplaced(record, earlier.filter((entry) => entry !== undefined));
    for (const entry of replaced) {
      this.#dedup.freeIdempotencyKey(entry);
      this.#watches.conclude(entry.id, { state: "superseded", by: record.id });
      this.#remove(entry);
      this.#fallbacks.onPrimaryEnd(entry.id, { supersededBy: record.id });
    }
    return replaced;
  }

  /** Ends waits of entries and of channels. `reach` selects the waits. */
  #flush(reach: FlushReach): void {
    if (reach !== "outage") this.#flushCount++;
    for (const entry of this.#entries.values()) {
      if (entry.wait) this.#entries.set({ ...entry, wait: shortenWait(entry.wait, reach) });
    }
    this.#channels.flush(reach);
  }

  #fail(entry: Entry, record: NackRecord): void {
    if (record.class === "withdrawn") return this.#entries.set(onWithdrawal(entry, record));
    const { class: failureClass, reason, time, next, notBefore = 0 } = record;
    const wait = { class: failureClass, reason, since: time, next, notBefore };
    const failed = onFailure(entry, record, wait);
    this.#channels.onFailure(entry.channel, record, wait);
    if (failureClass !== "not-sent" || !failed.members || failed.inDoubt) return this.#entries.set(failed);
    // The batch certainly did not arrive, so its members can become separate entries again. Newer
    // entries can then replace the members, and the next batch can also contain later entries.
    const { attempts } = failed;
    this.#dissolve(failed, (member) => ({ ...member, attempts, wait }));
  }

  /** Replaces a batch with its changed members. */
  #dissolve(batch: Entry, change: (member: Entry) => Entry): void {
    this.#entries.dissolve(batch, (batch.members ?? []).map(change));
    this.#keptBytes -= batch.bytes;
    if (batch.files) this.#removedWithFiles++;
    for (const file of this.entries().filter(({ ofBatch }) => ofBatch === batch.id)) this.#drop(file, "cancelled");
  }

  #deliver(entry: Entry, ack: AckRecord): void {
    const { time, receipt, possibleDuplicate } = ack;
    const isBatch = entry.members !== undefined;
    const delivered = entry.members ?? [entry];
    this.#lastDelivery = time;
    if (possibleDuplicate) this.#possibleDuplicates++;
    this.#channels.onAnswer(entry.channel);
    this.#deliveries.add(entry, time, isBatch);
    for (const each of delivered) this.#incidents.onDelivery(each, ack, isBatch);
    if (isBatch) { for (const { id } of delivered) this.#watches.conclude(id, { state: "delivered", receipt }); }
    this.#remove(entry);
    for (const { id } of delivered) this.#fallbacks.onPrimaryEnd(id, "delivered");
  }

  /**
   * Makes an entry a dead letter. A rejected batch does not become a dead letter. Its members are
   * sent separately, so that only the rejected member becomes a dead letter.
   */
  #moveToDeadLetters(entry: Entry, { status, reason, time, expired }: DeadRecord): void {
    if (status !== undefined) this.#channels.onAnswer(entry.channel);
    this.#watches.conclude(entry.id, { state: "dead", reason });
    if (entry.members) {
      // If an earlier attempt may have delivered the batch, it may also have delivered each member.
      const { inDoubt } = entry;
      this.#dissolve(entry, (member) => ({ ...member, noBatch: true, inDoubt }));
      return this.#fallbacks.cancelUnneeded(entry);
    }
    this.#fallbacks.onPrimaryEnd(entry.id, "dead");
    const dead: Entry = { ...entry, inFlight: undefined, dead: { reason, time, expired } };
    if (this.#entries.findBatch(entry.id) === undefined) return this.#entries.set(dead);
    this.#keptBytes -= this.#entries.takeOutOfBatch(dead)?.bytes ?? 0;
  }

  #drop(entry: Entry, state: "dropped" | "cancelled"): void {
    for (const { id } of entry.members ?? [entry]) {
      const dropped = this.#entries.find(id);
      if (dropped) this.#dedup.freeIdempotencyKey(dropped);
      this.#watches.conclude(id, { state });
    }
    this.#watches.conclude(entry.id, { state });
    this.#remove(entry);
    for (const { id } of entry.members ?? [entry]) this.#fallbacks.onPrimaryEnd(id, "dropped");
  }

  #remove(entry: Entry): void {
    for (const removed of this.#entries.remove(entry.id)) {
      this.#dedup.remove(removed);
      if (removed.files) this.#removedWithFiles++;
      this.#fallbacks.remove(removed);
      this.#keptBytes -= removed.bytes;
    }
  }
}
