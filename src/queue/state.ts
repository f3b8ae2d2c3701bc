/**
 * The state of the queue. Its invariant:
 *
 * > The state is a fold over the records of the journal, and nothing else. Processes that read the
 * > same records have the same state.
 *
 * ```text
 * journal: hdr enq att nack enq ack … ──apply()──> QueueState ──snapshot()──> compacted journal
 *                                                    entries and batches, in the order of arrival
 *                                                    channels and lanes: waits, last deliveries
 *                                                    incidents, fallbacks
 *                                                    keys, idempotency keys
 * ```
 *
 * So no index can disagree with the journal, and a crash between two writes leaves a state that an
 * earlier reader could have seen. Only live and dead entries are kept: memory grows with them, not
 * with the file.
 *
 * @module
 */

import { ChannelStates, RecentDeliveries } from "./channel_states.ts";
import { DedupIndex, type DedupKey, type Duplicate } from "./dedup_index.ts";
import { type ChannelState, type Entry, type EntryState, expandBatches, type Lane, laneKey } from "./entry.ts";
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
import { OrderedEntries } from "./ordered_entries.ts";
import {
  type AckRecord,
  copyEntryHistory,
  type DeadRecord,
  type EnqueueRecord,
  type JournalRecord,
  type NackRecord,
} from "./record.ts";

/**
 * How an entry left the queue, or became a dead letter. `cancelled`: it was a fallback, and its
 * primary was delivered.
 */
export type FinalState =
  | { readonly state: "delivered"; readonly receipt: string }
  | { readonly state: "dead"; readonly reason: string }
  | { readonly state: "dropped" }
  | { readonly state: "superseded"; readonly by: string }
  | { readonly state: "cancelled" };

/** The state for readers. Watching an entry changes what is remembered of it, not the state. */
export type ReadonlyQueueState = Omit<QueueState, "apply" | "snapshot" | "successor">;

/** The fold over the records. */
export class QueueState {
  readonly #entries = new OrderedEntries();
  readonly #channels = new ChannelStates();
  /** The final states of watched entries; undefined while an entry has none. */
  readonly #watched = new Map<string, FinalState | undefined>();
  readonly #dedup = new DedupIndex();
  readonly #deliveries = new RecentDeliveries();
  readonly #incidents = new Incidents();
  readonly #fallbacks = new Fallbacks(this.#entries, {
    cancel: (entry) => {
      this.#conclude(entry.id, { state: "cancelled" });
      this.#remove(entry);
    },
    // A lane that has reported an incident also reports that it is resolved.
    isOwed: (entry) => entry.resolves === true && this.#incidents.find(entry) !== undefined,
  });
  #flushCount = 0;
  #keptBytes = 0;
  #possibleDuplicates = 0;
  #removedWithFiles = 0;
  #lastDelivery: number | undefined;

  /** Live and dead entries, in the order of arrival. A batch stands for its members. */
  entries(): Entry[] {
    return [...this.#entries.values()];
  }

  /** The entries that will be tried, in the order of arrival. */
  liveEntries(): Entry[] {
    return this.entries().filter((entry) => !entry.dead);
  }

  /** Finds an entry, a batch, or a member of a batch. */
  entry(id: string): Entry | undefined {
    return this.#entries.find(id);
  }

  /** Finds the batch in which an entry will be delivered. */
  findBatch(id: string): Entry | undefined {
    return this.#entries.findBatch(id);
  }

  /** The state of an entry, which depends on its channel. */
  entryState(entry: Entry): EntryState {
    return this.#channels.entryState(entry);
  }

  /** What a channel waits for. */
  channelState(name: string): ChannelState {
    return this.#channels.get(name);
  }

  /** When a lane delivered last, in milliseconds since 1970, the newest at the end. */
  recentDeliveries(lane: Lane): readonly number[] {
    return this.#deliveries.get(lane);
  }

  /** Finds the open incident with the key of an entry in its lane. */
  findIncident(entry: IncidentSubject): Incident | undefined {
    return this.#incidents.find(entry);
  }

  /**
   * Lists the lanes in which an incident with this key is open, or will be when their live entries
   * are delivered. Fallbacks do not count.
   */
  openIncidentLanes(key: string, time: number): Lane[] {
    const waiting = expandBatches(this.liveEntries()).filter((entry) =>
      entry.key === key && entry.title !== undefined && !entry.resolves && entry.fallbackFor === undefined
    );
    const lanes = [...this.#incidents.withKey(key, time), ...waiting];
    return [...new Map(lanes.map((lane) => [laneKey(lane), lane])).values()];
  }

  /** Finds the entry that has or had the same idempotency key in the same lane. */
  findDuplicate(entry: DedupKey): Duplicate | undefined {
    return this.#dedup.findDuplicate(entry);
  }

  /** Remembers from now on how these entries end. Pass `finalState` if it is known. */
  watch(ids: readonly string[], finalState?: FinalState): void {
    for (const id of ids) this.#watched.set(id, finalState);
  }

  /** Forgets how these entries ended. */
  unwatch(ids: readonly string[]): void {
    for (const id of ids) this.#watched.delete(id);
  }

  /** How a watched entry ended; undefined before that. */
  finalState(id: string): FinalState | undefined {
    return this.#watched.get(id);
  }

  /** The names of the files that entries need. */
  *fileNames(): Generator<string> {
    for (const entry of this.#entries.values()) yield* entry.files ?? [];
  }

  /**
   * How many entries with files have left the queue. When it changes, there may be files to sweep.
   */
  get removedWithFiles(): number {
    return this.#removedWithFiles;
  }

  /** How many entries may have been delivered twice. */
  get possibleDuplicates(): number {
    return this.#possibleDuplicates;
  }

  /** When an entry was last delivered, in milliseconds since 1970. */
  get lastDelivery(): number | undefined {
    return this.#lastDelivery;
  }

  /** How many `flush` records were read. */
  get flushCount(): number {
    return this.#flushCount;
  }

  /** Bytes of the lines that a compaction would keep. */
  get keptBytes(): number {
    return this.#keptBytes + this.#incidents.bytes;
  }

  /**
   * Creates an empty state that watches the same entries, to read a journal again from its
   * beginning.
   */
  successor(): QueueState {
    const next = new QueueState();
    for (const [id, finalState] of this.#watched) next.#watched.set(id, finalState);
    next.#flushCount = this.#flushCount;
    return next;
  }

  /**
   * Creates the shortest records that fold to this state, without the `ack` records that a
   * compaction keeps.
   *
   * @param header when the snapshot is made, and the name of the host
   */
  *snapshot(header: { readonly time: number; readonly host: string }): Generator<JournalRecord> {
    yield { t: "hdr", ...header, possibleDuplicates: this.#possibleDuplicates, lastDelivery: this.#lastDelivery };
    yield* this.#channels.snapshot();
    yield* this.#deliveries.snapshot(header.time);
    yield* this.#incidents.snapshot(header.time);
    for (const entry of this.#entries.values()) yield* snapshotRecords(entry);
  }

  /**
   * Applies the next record. Records of unknown entries are ignored.
   *
   * @param bytes the length of its line
   */
  apply(record: JournalRecord, bytes = 0): void {
    switch (record.t) {
      case "hdr":
        this.#possibleDuplicates = record.possibleDuplicates ?? 0;
        this.#lastDelivery = record.lastDelivery;
        return;
      case "flush":
        return this.#flush();
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
        this.#keptBytes += bytes;
        this.#dedup.onDelivery(record);
        this.#conclude(record.id, { state: "delivered", receipt: record.receipt });
    }
    const entry = this.#entries.find(record.id);
    if (entry === undefined) return;
    switch (record.t) {
      case "dead":
        return this.#moveToDeadLetters(entry, record);
      case "retry":
        return this.#entries.retry(entry, record.expires);
      case "drop":
        return this.#drop(entry);
    }
    // A batch is tried and delivered as a whole. Only its own records count, not those of its
    // members.
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
    const [replaced, fallbackFor] = [countReplaced(record, removed), limitWait(record.fallbackFor, removed)];
    const entry = { ...createEntry(record, bytes), replaced, fallbackFor };
    this.#fallbacks.add(entry);
    if (record.spooled) this.#entries.insert(entry);
    else this.#entries.set(entry);
    this.#keptBytes += bytes;
  }

  #supersede(record: EnqueueRecord): Entry[] {
    // Members of a batch are not replaced: an attempt may have delivered them with it.
    const earlier = this.#dedup.findIdsWithKey(record).map((id) => this.#entries.get(id));
    const replaced = findReplaced(record, earlier.filter((entry) => entry !== undefined));
    for (const entry of replaced) {
      this.#dedup.freeIdempotencyKey(entry);
      this.#conclude(entry.id, { state: "superseded", by: record.id });
      this.#remove(entry);
      this.#fallbacks.onPrimaryEnd(entry.id, { supersededBy: record.id });
    }
    return replaced;
  }

  /** Ends the backoff of all entries and channels. What the server asked for stays. */
  #flush(): void {
    this.#flushCount++;
    for (const entry of this.#entries.values()) {
      if (entry.wait) this.#entries.set({ ...entry, wait: { ...entry.wait, next: entry.wait.notBefore } });
    }
    this.#channels.flush();
  }

  #fail(entry: Entry, record: NackRecord): void {
    if (record.class === "withdrawn") return this.#entries.set(onWithdrawal(entry, record));
    const { class: failureClass, reason, time, next, notBefore = 0 } = record;
    const wait = { class: failureClass, reason, since: time, next, notBefore };
    this.#entries.set(onFailure(entry, record, wait));
    this.#channels.onFailure(entry.channel, record, wait);
  }

  #deliver(entry: Entry, ack: AckRecord): void {
    const { time, receipt, possibleDuplicate } = ack;
    const isBatch = entry.members !== undefined;
    this.#lastDelivery = time;
    if (possibleDuplicate) this.#possibleDuplicates++;
    this.#channels.onAnswer(entry.channel);
    this.#deliveries.add(entry, time, isBatch);
    for (const each of entry.members ?? [entry]) this.#incidents.onDelivery(each, ack, isBatch);
    for (const { id } of entry.members ?? []) this.#conclude(id, { state: "delivered", receipt });
    this.#remove(entry);
    for (const { id } of entry.members ?? [entry]) this.#fallbacks.onPrimaryEnd(id, "delivered");
  }

  /**
   * If a batch is rejected, its members are delivered one by one, so that only the one that caused
   * it becomes a dead letter.
   */
  #moveToDeadLetters(entry: Entry, { status, reason, time, expired }: DeadRecord): void {
    if (status !== undefined) this.#channels.onAnswer(entry.channel);
    this.#conclude(entry.id, { state: "dead", reason });
    if (entry.members) {
      // An earlier attempt may have delivered it. Its members have other txnIds, so that this
      // cannot be found out any more.
      if (entry.inDoubt) this.#possibleDuplicates++;
      this.#entries.dissolve(entry, entry.members.map((member) => ({ ...member, noBatch: true })));
      this.#keptBytes -= entry.bytes;
      return this.#fallbacks.cancelUnneeded(entry);
    }
    this.#fallbacks.onPrimaryEnd(entry.id, "dead");
    const dead: Entry = { ...entry, inFlight: undefined, dead: { reason, time, expired } };
    if (this.#entries.findBatch(entry.id) === undefined) return this.#entries.set(dead);
    this.#keptBytes -= this.#entries.takeOutOfBatch(dead)?.bytes ?? 0;
  }

  #drop(entry: Entry): void {
    for (const { id } of entry.members ?? [entry]) {
      const dropped = this.#entries.find(id);
      if (dropped) this.#dedup.freeIdempotencyKey(dropped);
      this.#conclude(id, { state: "dropped" });
    }
    this.#conclude(entry.id, { state: "dropped" });
    this.#remove(entry);
    for (const { id } of entry.members ?? [entry]) this.#fallbacks.onPrimaryEnd(id, "dropped");
  }

  #conclude(id: string, finalState: FinalState): void {
    if (this.#watched.has(id)) this.#watched.set(id, finalState);
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
