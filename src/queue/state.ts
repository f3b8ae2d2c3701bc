/**
 * The state of the queue: a fold over the records, and nothing else. Whoever reads the same records gets the same state, so that there is
 * one source of truth and no index that could disagree with it.
 *
 * Only live and dead entries are kept: memory grows with them, not with the file.
 *
 * @module
 */

import type { ChannelState, Doubt, Entry, EntryState, Replaced, Wait } from "./entry.ts";
import { type Named, Names, type Twin } from "./names.ts";
import type { AttemptRecord, EnqueueRecord, JournalRecord, NackRecord } from "./record.ts";

/** How an entry ended that somebody watches. */
export type Settlement =
  | { readonly state: "delivered"; readonly receipt: string }
  | { readonly state: "dead"; readonly reason: string }
  | { readonly state: "dropped" }
  | { readonly state: "superseded"; readonly by: string };

/** The fold. */
export class QueueState {
  readonly #entries = new Map<string, Entry>();
  readonly #channels = new Map<string, ChannelState>();
  readonly #watched = new Map<string, Settlement | undefined>();
  readonly #names = new Names();
  #flushes = 0;
  #keptBytes = 0;
  #possibleDuplicates = 0;
  #lastDelivery: number | undefined;

  /** Live and dead entries, in the order of arrival. */
  get entries(): IterableIterator<Entry> {
    return this.#entries.values();
  }

  /** How many entries may have been delivered twice. */
  get possibleDuplicates(): number {
    return this.#possibleDuplicates;
  }

  /** When something was last delivered, milliseconds since 1970. */
  get lastDelivery(): number | undefined {
    return this.#lastDelivery;
  }

  /** One entry, unless it is settled. */
  entry(id: string): Entry | undefined {
    return this.#entries.get(id);
  }

  /** What a channel waits for. */
  channel(name: string): ChannelState {
    return this.#channels.get(name) ?? NO_TROUBLE;
  }

  /** What an entry is, seen together with its channel. */
  stateOf(entry: Entry): EntryState {
    if (entry.dead) return "dead";
    if (this.channel(entry.channel).wait?.class === "account") return "held";
    return entry.attempts > 0 ? "deferred" : "queued";
  }

  /** From now on remembers how this entry ends; or how it ended, where that is known. */
  watch(id: string, settlement?: Settlement): void {
    this.#watched.set(id, settlement);
  }

  /** The entry that a lane took in before under the same name of its caller's. */
  twinOf(named: Named): Twin | undefined {
    return this.#names.twinOf(named);
  }

  /** Nobody asks any more how these ended. */
  unwatch(ids: Iterable<string>): void {
    for (const id of ids) this.#watched.delete(id);
  }

  /** How a watched entry ended; undefined while it has not. */
  settlement(id: string): Settlement | undefined {
    return this.#watched.get(id);
  }

  /** An empty state that remembers the same endings: for reading a journal from its beginning again. */
  successor(): QueueState {
    const next = new QueueState();
    for (const [id, settlement] of this.#watched) next.#watched.set(id, settlement);
    next.#flushes = this.#flushes;
    return next;
  }

  /** How many flushes were asked for. */
  get flushes(): number {
    return this.#flushes;
  }

  /** Bytes of lines that a compaction would keep. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /**
   * The shortest journal that folds to this state, but for the acknowledgements.
   *
   * @param header when and by whom it is written
   */
  *snapshot(header: { readonly time: number; readonly host: string }): Generator<JournalRecord> {
    yield { t: "hdr", ...header, possibleDuplicates: this.#possibleDuplicates, lastDelivery: this.#lastDelivery };
    for (const [channel, state] of this.#channels) yield { t: "chan", channel, ...state };
    for (const entry of this.#entries.values()) {
      const { id, time, channel, destination, notification, expires, key, once } = entry;
      // What it replaced is gone already: it must not replace anything again.
      yield { t: "enq", id, time, channel, destination, notification, expires, key, once };
      const { attempts, open, doubt, wait, dead, replaced } = entry;
      const isFresh = attempts === 0 && !open && !doubt && !wait && !dead && !replaced;
      if (!isFresh) yield { t: "snap", id, attempts, open, doubt, wait, dead, replaced };
    }
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
        this.#flushes++;
        return this.#flush();
      case "chan":
        this.#channels.set(record.channel, { failures: record.failures, wait: record.wait });
        return;
      case "enq":
        return this.#enqueue(record, bytes);
      case "ack":
        this.#keptBytes += bytes;
        this.#names.delivered(record);
        this.#conclude(record.id, { state: "delivered", receipt: record.receipt });
    }
    const entry = this.#entries.get(record.id);
    if (entry === undefined) return;
    switch (record.t) {
      case "att":
        return this.#attempt(entry, record);
      case "nack":
        return this.#nack(entry, record);
      case "ack":
        this.#lastDelivery = record.time;
        if (record.risk) this.#possibleDuplicates++;
        this.#channels.delete(entry.channel);
        return this.#remove(entry);
      case "dead": {
        if (record.status !== undefined) this.#channels.delete(entry.channel);
        const { reason, time, expired } = record;
        this.#entries.set(entry.id, { ...entry, open: undefined, dead: { reason, time, expired } });
        return this.#conclude(entry.id, { state: "dead", reason: record.reason });
      }
      case "retry":
        this.#entries.set(entry.id, { ...entry, dead: undefined, wait: undefined, expires: record.expires });
        return;
      case "drop":
        this.#names.forget(entry);
        this.#conclude(entry.id, { state: "dropped" });
        return this.#remove(entry);
      case "snap": {
        const { attempts, open, doubt, wait, dead, replaced } = record;
        this.#entries.set(entry.id, { ...entry, attempts, open, doubt, wait, dead, replaced });
      }
    }
  }

  #enqueue(record: EnqueueRecord, bytes: number): void {
    if (this.#entries.has(record.id) || !this.#names.admit(record)) return;
    const replaced = record.replaces && this.#supersede(record);
    const later = record.aside ? [...this.#entries.values()].filter(({ time }) => time > record.time) : [];
    for (const { id } of later) this.#entries.delete(id);
    this.#entries.set(record.id, { ...newEntry(record), bytes, replaced });
    for (const entry of later) this.#entries.set(entry.id, entry);
    this.#keptBytes += bytes;
  }

  /** What waits under the same key, and cannot have arrived, is overtaken by the news. */
  #supersede(record: EnqueueRecord): Replaced | undefined {
    let count = 0, since = record.time;
    for (const id of this.#names.withKeyOf(record)) {
      const entry = this.#entries.get(id);
      if (id === record.id || entry === undefined || entry.dead || entry.open || entry.doubt) continue;
      if (record.aside && entry.time > record.time) continue;
      count += 1 + (entry.replaced?.count ?? 0);
      since = Math.min(since, entry.replaced?.since ?? entry.time);
      this.#names.forget(entry);
      this.#conclude(id, { state: "superseded", by: record.id });
      this.#remove(entry);
    }
    return count > 0 ? { count, since } : undefined;
  }

  /** What we chose to wait is over; what nobody may shorten stays. */
  #flush(): void {
    for (const [id, entry] of this.#entries) {
      if (entry.wait) this.#entries.set(id, { ...entry, wait: { ...entry.wait, next: entry.wait.notBefore } });
    }
    for (const [name, { failures, wait }] of this.#channels) {
      if (wait) this.#channels.set(name, { failures, wait: { ...wait, next: wait.notBefore } });
    }
  }

  /** An attempt over an open one means that the open one was killed in flight. */
  #attempt(entry: Entry, record: AttemptRecord): void {
    const open = { n: record.n, time: record.time };
    const doubt = entry.open ? doubted(entry, entry.open.time, record.time) : entry.doubt;
    this.#entries.set(entry.id, { ...entry, attempts: record.n, open, doubt });
  }

  #nack(entry: Entry, record: NackRecord): void {
    if (record.class === "withdrawn") {
      this.#entries.set(entry.id, { ...entry, attempts: Math.max(0, record.n - 1), open: undefined });
      return;
    }
    const wait = {
      class: record.class,
      reason: record.reason,
      since: record.time,
      next: record.next,
      notBefore: record.notBefore ?? 0,
    };
    const doubt = record.class === "ambiguous"
      ? doubted(entry, entry.open?.time ?? record.time, record.time)
      : entry.doubt;
    this.#entries.set(entry.id, { ...entry, open: undefined, doubt, wait });
    this.#blame(entry.channel, record, wait);
  }

  /** Whose trouble it is: a room's, or a doubt, is its lane's alone; everything else is the whole channel's. */
  #blame(channel: string, record: NackRecord, wait: Wait): void {
    if (record.class === "room" || record.class === "doubt") return void this.#channels.delete(channel);
    this.#channels.set(channel, { failures: this.channel(channel).failures + 1, wait });
  }

  #remove(entry: Entry): void {
    this.#entries.delete(entry.id);
    this.#names.remove(entry);
    this.#keptBytes -= entry.bytes;
  }

  #conclude(id: string, settlement: Settlement): void {
    if (this.#watched.has(id)) this.#watched.set(id, settlement);
  }
}

const NO_TROUBLE: ChannelState = { failures: 0 };

/** An entry that nothing happened to yet. */
export function newEntry(record: EnqueueRecord): Entry {
  const { id, time, channel, destination, notification, expires, key, once } = record;
  return { id, time, channel, destination, notification, expires, key, once, bytes: 0, attempts: 0 };
}

function doubted({ doubt }: Entry, since: number, until: number): Doubt {
  return { since: doubt?.since ?? since, until };
}
