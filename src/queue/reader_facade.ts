/** What the queue shows: a reading of the records, made new whenever the journal is read. */

import { type Entry, type EntryState, expandBatches, laneKey } from "./entry.ts";
import type { Incident, IncidentSubject } from "./incidents.ts";
import type { Spool } from "./spool.ts";
import type { Journal } from "./journal.ts";
import { MAX_QUEUE_BYTES } from "./limits.ts";
import type { Quarantine } from "./quarantine.ts";
import type { QueueFigures } from "./queue_types.ts";
import type { FinalState } from "./final_states.ts";
import { QueueState } from "./state.ts";

/** Where the queue is read from. */
export interface ViewParts {
  readonly journal: Journal;
  readonly spool: Spool;
  readonly quarantine: Quarantine;
}

/** The reading side of the queue. */
export abstract class QueueView {
  /** The fold over what was read so far. */
  protected state: QueueState = new QueueState();
  protected readonly journal: Journal;
  protected readonly spool: Spool;
  readonly #quarantine: Quarantine;

  /** @param parts where it is read from */
  protected constructor({ journal, spool, quarantine }: ViewParts) {
    this.journal = journal;
    this.spool = spool;
    this.#quarantine = quarantine;
  }

  /** Reads what is new. When that must begin anew and fails on its way, what was known before stands. */
  refresh(): void {
    let state = this.state;
    this.journal.read({
      restart: () => state = state.successor(),
      record: (record, bytes) => state.apply(record, bytes),
    });
    this.state = state;
  }

  /** Bytes of the journal; it grows with every change. */
  get bytes(): number {
    return this.journal.bytes;
  }

  /** Numbers for people and monitoring. */
  figures(): QueueFigures {
    const spooledTimes = this.spool.times();
    const { possibleDuplicates, lastDelivery } = this.state;
    return {
      bytes: this.bytes,
      maxBytes: MAX_QUEUE_BYTES,
      spooled: spooledTimes.length,
      spooledTimes,
      ...this.#quarantine.count(this.journal.tornBytes > 0),
      possibleDuplicates,
      lastDelivery,
    };
  }

  /** Entries that are neither delivered nor dropped, in the order of arrival; a digest stands for its members. */
  entries(): Entry[] {
    return [...this.state.entries];
  }

  /** The entries that will be tried. */
  live(): Entry[] {
    return this.entries().filter((entry) => !entry.dead);
  }

  /** An entry as it is now, unless it is settled. */
  entry(id: string): Entry | undefined {
    return this.state.entry(id);
  }

  /** The digest that an entry will be delivered with. */
  batchOf(id: string): Entry | undefined {
    return this.state.batchOf(id);
  }

  /** When the lane of an entry delivered last, milliseconds since 1970, the newest at the end. */
  deliveriesOf(entry: Pick<Entry, "channel" | "destination">): readonly number[] {
    return this.state.deliveriesOf(entry);
  }

  /** What the lane of an entry was told under its key, and not yet that it is over. */
  incidentOf(entry: IncidentSubject): Incident | undefined {
    return this.state.incidents.of(entry);
  }

  /** The lanes that were told of a key, or will be by what waits and stands in for nothing, and not yet that it is over. */
  openIncidentLanes(key: string, time: number): Pick<Entry, "channel" | "destination">[] {
    const waiting = expandBatches(this.live()).filter((entry) =>
      entry.key === key && entry.title !== undefined && !entry.resolves && entry.fallbackFor === undefined
    );
    const lanes = [...this.state.incidents.under(key, time), ...waiting];
    return [...new Map(lanes.map((lane) => [laneKey(lane), lane])).values()];
  }

  /** What an entry is, seen together with its channel. */
  stateOf(entry: Entry): EntryState {
    return this.state.stateOf(entry);
  }

  /** What a channel waits for, and how often it failed in a row. */
  channel(name: string): ReturnType<QueueState["channel"]> {
    return this.state.channel(name);
  }

  /** How many entries with files have left, as far as was read. */
  get released(): number {
    return this.state.released;
  }

  /** How many flushes were asked for, as far as was read. */
  get flushes(): number {
    return this.state.flushes;
  }

  /** How a watched entry ended, whoever delivered it; undefined while it has not. Entries that this object enqueued are watched. */
  finalState(id: string): FinalState | undefined {
    return this.state.settlement(id);
  }

  /** From now on remembers how these end. */
  watch(entries: readonly Entry[]): void {
    for (const { id } of entries) this.state.watch(id);
  }

  /** Forgets what was watched. */
  unwatch(ids: Iterable<string>): void {
    this.state.unwatch(ids);
  }
}
