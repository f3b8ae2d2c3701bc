/**
 * The state of the queue: a fold over the records, and nothing else. Whoever reads the same records gets the same state, so that there is
 * one source of truth and no index that could disagree with it.
 *
 * Only live and dead entries are kept: memory grows with them, not with the file.
 *
 * @module
 */

import { newEntry, onAttempt, onFailure, onWithdrawal, replacedBy, supersededBy } from "./transitions.ts";
import { ChannelStates } from "./channel_states.ts";
import { RecentDeliveries } from "./recent_deliveries.ts";
import { type ChannelState, type Entry, type EntryState, expandBatches, laneKey } from "./entry.ts";
import { Fallbacks, noLongerThan } from "./fallbacks.ts";
import { type Incident, Incidents, type IncidentSubject } from "./incidents.ts";
import { OrderedEntries } from "./ordered_entries.ts";
import { DedupIndex, type DedupKey, type Duplicate } from "./dedup_index.ts";
import type { AckRecord, DeadRecord, EnqueueRecord, JournalRecord, NackRecord } from "./record.ts";
import { type FinalState, FinalStates } from "./final_states.ts";
import { snapshotOf } from "./snapshot.ts";

/** The state for readers. Watching an entry changes what is remembered of it, not the state. */
export type ReadonlyQueueState = Omit<QueueState, "apply" | "snapshot" | "successor">;

/** The fold. */
export class QueueState {
  readonly #line = new OrderedEntries();
  readonly #channels = new ChannelStates();
  readonly #settlements = new FinalStates();
  readonly #names = new DedupIndex();
  readonly #deliveries = new RecentDeliveries();
  readonly #incidents = new Incidents();
  readonly #fallbacks = new Fallbacks(this.#line, {
    cancel: (entry) => {
      this.#settlements.conclude(entry.id, { state: "cancelled" });
      this.#remove(entry);
    },
    // Who was told that something is wrong hears that it is over, too.
    isOwed: (entry) => entry.resolves === true && this.#incidents.of(entry) !== undefined,
  });
  #flushes = 0;
  #keptBytes = 0;
  #possibleDuplicates = 0;
  #released = 0;
  #lastDelivery: number | undefined;

  /** Live and dead entries, in the order of arrival; a batch stands for its members. */
  entries(): Entry[] {
    return [...this.#line.values()];
  }

  /** The entries that will be tried, in the order of arrival. */
  liveEntries(): Entry[] {
    return this.entries().filter((entry) => !entry.dead);
  }

  /** When the lane of an entry delivered last, milliseconds since 1970, the newest at the end. */
  recentDeliveries(entry: Pick<Entry, "channel" | "destination">): readonly number[] {
    return this.#deliveries.of(entry);
  }

  /** The open incident with the key of an entry in its lane. */
  findIncident(entry: IncidentSubject): Incident | undefined {
    return this.#incidents.of(entry);
  }

  /** The lanes in which an incident with this key is open, or will be when their live entries are delivered. Fallbacks do not count. */
  openIncidentLanes(key: string, time: number): Pick<Entry, "channel" | "destination">[] {
    const waiting = expandBatches(this.liveEntries()).filter((entry) =>
      entry.key === key && entry.title !== undefined && !entry.resolves && entry.fallbackFor === undefined
    );
    const lanes = [...this.#incidents.under(key, time), ...waiting];
    return [...new Map(lanes.map((lane) => [laneKey(lane), lane])).values()];
  }

  /** The digest that an entry will be delivered with. */
  findBatch(id: string): Entry | undefined {
    return this.#line.batchOf(id);
  }

  /** How many entries may have been delivered twice. */
  get possibleDuplicates(): number {
    return this.#possibleDuplicates;
  }

  /** The names of the files that entries need. */
  *fileNames(): Generator<string> {
    for (const entry of this.#line.values()) yield* entry.files ?? [];
  }

  /** How many entries with files have left, as far as was read: when this changes there may be files that nobody needs. */
  get removedWithFiles(): number {
    return this.#released;
  }

  /** When something was last delivered, milliseconds since 1970. */
  get lastDelivery(): number | undefined {
    return this.#lastDelivery;
  }

  /** One entry, unless it is settled. */
  entry(id: string): Entry | undefined {
    return this.#line.find(id);
  }

  /** What a channel waits for. */
  channelState(name: string): ChannelState {
    return this.#channels.of(name);
  }

  /** What an entry is, seen together with its channel. */
  entryState(entry: Entry): EntryState {
    return this.#channels.stateOf(entry);
  }

  /** Remembers from now on how these entries end. Pass `finalState` if it is known. */
  watch(ids: readonly string[], finalState?: FinalState): void {
    for (const id of ids) this.#settlements.watch(id, finalState);
  }

  /** The entry that a lane took in before under the same name of its caller's. */
  findDuplicate(named: DedupKey): Duplicate | undefined {
    return this.#names.duplicateOf(named);
  }

  /** Nobody asks any more how these ended. */
  unwatch(ids: readonly string[]): void {
    this.#settlements.unwatch(ids);
  }

  /** How a watched entry ended; undefined while it has not. */
  finalState(id: string): FinalState | undefined {
    return this.#settlements.of(id);
  }

  /** An empty state that remembers the same endings: for reading a journal from its beginning again. */
  successor(): QueueState {
    const next = new QueueState();
    next.#settlements.take(this.#settlements);
    next.#flushes = this.#flushes;
    return next;
  }

  /** How many flushes were asked for. */
  get flushCount(): number {
    return this.#flushes;
  }

  /** Bytes of lines that a compaction would keep. */
  get keptBytes(): number {
    return this.#keptBytes + this.#incidents.bytes;
  }

  /**
   * The shortest journal that folds to this state, but for the acknowledgements.
   *
   * @param header when and by whom it is written
   */
  *snapshot(header: { readonly time: number; readonly host: string }): Generator<JournalRecord> {
    yield { t: "hdr", ...header, possibleDuplicates: this.#possibleDuplicates, lastDelivery: this.#lastDelivery };
    yield* this.#channels.snapshot();
    yield* this.#deliveries.snapshot(header.time);
    yield* this.#incidents.snapshot(header.time);
    for (const entry of this.#line.values()) yield* snapshotOf(entry);
  }

  /**
   * Takes the next record.
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
        if (this.#line.addBatch(record, bytes)) this.#keptBytes += bytes;
        return;
      case "ack":
        this.#keptBytes += bytes;
        this.#names.delivered(record);
        this.#settlements.conclude(record.id, { state: "delivered", receipt: record.receipt });
    }
    const entry = this.#line.find(record.id);
    if (entry === undefined) return;
    switch (record.t) {
      case "dead":
        return this.#bury(entry, record);
      case "retry":
        return this.#line.revive(entry, record.expires);
      case "drop":
        return this.#drop(entry);
    }
    // What leaves and arrives is a digest, not one of its members.
    if (this.#line.batchOf(entry.id)) return;
    switch (record.t) {
      case "ack":
        return this.#deliver(entry, record);
      case "att":
        return this.#line.set(onAttempt(entry, record));
      case "nack":
        this.#nack(entry, record);
        return this.#fallbacks.cancelUnneeded(entry);
      case "snap": {
        const { attempts, inFlight, inDoubt, wait, dead, replaced, forced, noBatch } = record;
        this.#line.set({ ...entry, attempts, inFlight, inDoubt, wait, dead, replaced, forced, noBatch });
      }
    }
  }

  #enqueue(record: EnqueueRecord, bytes: number): void {
    if (this.#line.find(record.id) || !this.#names.register(record)) return;
    const gone = record.replaces ? this.#supersede(record) : [];
    const [replaced, fallbackFor] = [replacedBy(record, gone), noLongerThan(record.fallbackFor, gone)];
    const entry = { ...newEntry(record), bytes, replaced, fallbackFor };
    this.#fallbacks.add(entry);
    if (record.spooled) this.#line.insert(entry);
    else this.#line.set(entry);
    this.#keptBytes += bytes;
  }

  #supersede(record: EnqueueRecord): Entry[] {
    // What hangs below a digest may have left with it.
    const earlier = this.#names.idsWithKeyOf(record).map((id) => this.#line.get(id));
    const gone = supersededBy(record, earlier.filter((entry) => entry !== undefined));
    for (const entry of gone) {
      this.#names.forget(entry);
      this.#settlements.conclude(entry.id, { state: "superseded", by: record.id });
      this.#remove(entry);
      this.#fallbacks.tell(entry.id, { supersededBy: record.id });
    }
    return gone;
  }

  /** What we chose to wait is over; what nobody may shorten stays. */
  #flush(): void {
    this.#flushes++;
    for (const entry of this.#line.values()) {
      if (entry.wait) this.#line.set({ ...entry, wait: { ...entry.wait, next: entry.wait.notBefore } });
    }
    this.#channels.flush();
  }

  #nack(entry: Entry, record: NackRecord): void {
    if (record.class === "withdrawn") return this.#line.set(onWithdrawal(entry, record));
    const { class: why, reason, time, next, notBefore = 0 } = record;
    const wait = { class: why, reason, since: time, next, notBefore };
    this.#line.set(onFailure(entry, record, wait));
    this.#channels.blame(entry.channel, record, wait);
  }

  /** One event delivers a digest's members with it. */
  #deliver(entry: Entry, ack: AckRecord): void {
    const { time, receipt, possibleDuplicate } = ack;
    this.#lastDelivery = time;
    if (possibleDuplicate) this.#possibleDuplicates++;
    this.#channels.answered(entry.channel);
    this.#deliveries.add(entry, time, entry.members !== undefined);
    for (const each of entry.members ?? [entry]) this.#incidents.delivered(each, ack, entry.members !== undefined);
    for (const { id } of entry.members ?? []) this.#settlements.conclude(id, { state: "delivered", receipt });
    this.#remove(entry);
    for (const { id } of entry.members ?? [entry]) this.#fallbacks.tell(id, "delivered");
  }

  /** A digest that is refused for good takes nobody with it: each of its members goes by itself, and is refused by itself if need be. */
  #bury(entry: Entry, { status, reason, time, expired }: DeadRecord): void {
    if (status !== undefined) this.#channels.answered(entry.channel);
    this.#settlements.conclude(entry.id, { state: "dead", reason });
    if (entry.members) {
      // It may have arrived before it was refused, and is not looked for again.
      if (entry.inDoubt) this.#possibleDuplicates++;
      this.#line.dissolve(entry, entry.members.map((member) => ({ ...member, noBatch: true })));
      this.#keptBytes -= entry.bytes;
      return this.#fallbacks.cancelUnneeded(entry);
    }
    this.#fallbacks.tell(entry.id, "dead");
    const dead: Entry = { ...entry, inFlight: undefined, dead: { reason, time, expired } };
    if (this.#line.batchOf(entry.id) === undefined) return this.#line.set(dead);
    this.#keptBytes -= this.#line.bringBack(dead)?.bytes ?? 0;
  }

  #drop(entry: Entry): void {
    for (const { id } of entry.members ?? [entry]) {
      const dropped = this.#line.find(id);
      if (dropped) this.#names.forget(dropped);
      this.#settlements.conclude(id, { state: "dropped" });
    }
    this.#settlements.conclude(entry.id, { state: "dropped" });
    this.#remove(entry);
    for (const { id } of entry.members ?? [entry]) this.#fallbacks.tell(id, "dropped");
  }

  #remove(entry: Entry): void {
    for (const gone of this.#line.remove(entry.id)) {
      this.#names.remove(gone);
      if (gone.files) this.#released++;
      this.#fallbacks.remove(gone);
      this.#keptBytes -= gone.bytes;
    }
  }
}
