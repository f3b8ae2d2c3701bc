/**
 * The live entries (entries that wait for delivery) of each lane, in the order of arrival. A lane
 * is one destination of one channel.
 *
 * With this index, most questions about the queue need only the first entry of each lane. Their
 * cost does not grow with the number of entries that wait.
 *
 * @module
 */

import type { Entry, Lane } from "./entry.ts";

/** The live entries of one lane by id, in the order of arrival. */
export type LaneEntries = ReadonlyMap<string, Entry>;

const NO_ENTRIES: LaneEntries = new Map();

/** The live entries by lane. Every lane of the index has at least one entry. */
export class LaneIndex {
  /** The entries by channel, then by destination. Nested maps avoid building a combined key. */
  readonly #channels = new Map<string, Map<string, Map<string, Entry>>>();

  /** @param entries entries in the order of arrival; dead letters are skipped */
  constructor(entries: Iterable<Entry>) {
    for (const entry of entries) if (!entry.dead) this.set(entry);
  }

  /** Returns the entries of each lane. */
  lanes(): IteratorObject<LaneEntries> {
    return this.#channels.values().flatMap((lanes) => lanes.values());
  }

  /** Returns the entries of one lane. */
  lane({ channel, destination }: Lane): LaneEntries {
    return this.#channels.get(channel)?.get(destination) ?? NO_ENTRIES;
  }

  /** Replaces an entry at its position, or appends a new entry. */
  set(entry: Entry): void {
    const { id, channel, destination } = entry;
    let lanes = this.#channels.get(channel);
    if (lanes === undefined) this.#channels.set(channel, lanes = new Map());
    const lane = lanes.get(destination);
    if (lane) lane.set(id, entry);
    else lanes.set(destination, new Map([[id, entry]]));
  }

  /** Removes an entry that no longer waits. */
  remove({ id, channel, destination }: Entry): void {
    const lanes = this.#channels.get(channel);
    const lane = lanes?.get(destination);
    lane?.delete(id);
    if (lane?.size === 0) lanes?.delete(destination);
  }
}

/** Returns the first entry of a lane. */
export function firstOf(lane: LaneEntries): Entry | undefined {
  return lane.values().next().value;
}
