/**
 * The live entries (entries that wait for delivery) of each lane, in the order of arrival. A lane
 * is one destination of one channel.
 *
 * Most queries of the queue need only the first entry of each lane. With this index, the time for
 * such a query does not depend on the number of waiting entries.
 *
 * @module
 */

import type { Entry, Lane } from "./entry.ts";

/** The live entries of one lane by id, in the order of arrival. */
export type LaneEntries = ReadonlyMap<string, Entry>;

const NO_ENTRIES: LaneEntries = new Map();

/**
 * Stores a value for each lane. Uses nested maps, because they are faster than one map whose keys
 * combine channel and destination.
 */
export class LaneMap<Value> {
  readonly #channels = new Map<string, Map<string, Value>>();

  get({ channel, destination }: Lane): Value | undefined {
    return this.#channels.get(channel)?.get(destination);
  }

  set({ channel, destination }: Lane, value: Value): void {
    const lanes = this.#channels.get(channel) ?? new Map<string, Value>();
    this.#channels.set(channel, lanes.set(destination, value));
  }

  delete({ channel, destination }: Lane): void {
    this.#channels.get(channel)?.delete(destination);
  }

  values(): IteratorObject<Value> {
    return this.#channels.values().flatMap((lanes) => lanes.values());
  }
}

/** The live entries by lane. Every lane of the index has at least one entry. */
export class LaneIndex {
  readonly #lanes = new LaneMap<Map<string, Entry>>();

  /** @param entries entries in the order of arrival; dead letters are skipped */
  constructor(entries: Iterable<Entry>) {
    for (const entry of entries) if (!entry.dead) this.set(entry);
  }

  /** Returns the entries of each lane. */
  lanes(): IteratorObject<LaneEntries> {
    return this.#lanes.values();
  }

  /** Returns the entries of one lane. */
  lane(lane: Lane): LaneEntries {
    return this.#lanes.get(lane) ?? NO_ENTRIES;
  }

  /** Replaces an entry at its position, or appends a new entry. */
  set(entry: Entry): void {
    const lane = this.#lanes.get(entry);
    if (lane) lane.set(entry.id, entry);
    else this.#lanes.set(entry, new Map([[entry.id, entry]]));
  }

  /** Removes an entry that no longer waits. */
  remove(entry: Entry): void {
    const lane = this.#lanes.get(entry);
    lane?.delete(entry.id);
    if (lane?.size === 0) this.#lanes.delete(entry);
  }
}

/** Returns the first entry of a lane. */
export function firstOf(lane: LaneEntries): Entry | undefined {
  return lane.values().next().value;
}
