/**
 * Entries by their ids, in the order of arrival: a `Map`, but for the youngest few, which stand in an array. Most entries are settled as soon as they came, and
 * a `Map` that forgets as much as it learns makes itself anew all the time: over a journal of millions that was half of the memory that reading it took.
 *
 * @module
 */

import type { Entry } from "./entry.ts";

/** How many stand in the array; they are looked through one by one. */
const YOUNG = 16;

/** Entries in the order of arrival. */
export class EntryMap {
  readonly #old = new Map<string, Entry>();
  readonly #young: Entry[] = [];

  constructor(entries: Iterable<Entry> = []) {
    for (const entry of entries) this.#old.set(entry.id, entry);
  }

  get(id: string): Entry | undefined {
    return this.#young.find((entry) => entry.id === id) ?? this.#old.get(id);
  }

  /** Puts an entry where it stood, or at the end. */
  set(entry: Entry): void {
    const at = this.#placeOf(entry.id);
    if (at >= 0) this.#young[at] = entry;
    else if (this.#old.has(entry.id)) this.#old.set(entry.id, entry);
    else {
      if (this.#young.length === YOUNG) this.#age();
      this.#young.push(entry);
    }
  }

  delete(id: string): void {
    const at = this.#placeOf(id);
    if (at >= 0) this.#young.splice(at, 1);
    else this.#old.delete(id);
  }

  *values(): Generator<Entry> {
    yield* this.#old.values();
    yield* this.#young;
  }

  #placeOf(id: string): number {
    return this.#young.findIndex((entry) => entry.id === id);
  }

  /** The oldest of the young is young no more. */
  #age(): void {
    const [oldest] = this.#young.splice(0, 1);
    this.#old.set(oldest.id, oldest);
  }
}
