/**
 * What callers call their entries by. A key says what an entry is about: a newer one may take the place of what waits. A name of the caller's own
 * says which entry it is: the second of that name is the same notification, sent once more by somebody who could not know whether the first was taken.
 *
 * Names outlive their entries for as long as the acknowledgements are kept.
 *
 * @module
 */

import { type Entry, laneKey } from "./entry.ts";
import type { AckRecord } from "./record.ts";

/** What may have been taken in before. */
export interface DedupKey {
  readonly channel: string;
  readonly destination: string;
  readonly idempotencyKey?: string;
}

/** An entry that was taken in before under the same name. */
export interface Duplicate {
  readonly id: string;
  /** The proof of its delivery; undefined while there is none. */
  readonly receipt?: string;
}

/** The index of names and keys. */
export class DedupIndex {
  readonly #twins = new Map<string, Duplicate>();
  readonly #byKey = new Map<string, Set<string>>();

  /** Learns of an entry that comes in; false when it is one that came before. */
  register(entry: DedupKey & { readonly id: string; readonly key?: string }): boolean {
    if (entry.idempotencyKey !== undefined) {
      const twin = this.duplicateOf(entry);
      if (twin !== undefined && twin.id !== entry.id) return false;
      this.#twins.set(nameOf(entry, entry.idempotencyKey), { id: entry.id });
    }
    if (entry.key !== undefined) {
      const place = nameOf(entry, entry.key);
      this.#byKey.set(place, (this.#byKey.get(place) ?? new Set()).add(entry.id));
    }
    return true;
  }

  /** The entry of that name, when there is or was one. */
  duplicateOf(named: DedupKey): Duplicate | undefined {
    return named.idempotencyKey === undefined ? undefined : this.#twins.get(nameOf(named, named.idempotencyKey));
  }

  /** The ids of the entries in the same lane with the same key. */
  idsWithKeyOf(entry: DedupKey & { readonly key?: string }): readonly string[] {
    return entry.key === undefined ? [] : [...this.#byKey.get(nameOf(entry, entry.key)) ?? []];
  }

  /** Remembers the proof of a delivery. */
  delivered({ id, receipt, idempotencyKey, channel, destination }: AckRecord): void {
    if (idempotencyKey === undefined || channel === undefined || destination === undefined) return;
    this.#twins.set(nameOf({ channel, destination }, idempotencyKey), { id, receipt });
  }

  /** An entry that is gone by somebody's will: its name is free again. */
  forget(entry: Entry): void {
    if (entry.idempotencyKey !== undefined && this.duplicateOf(entry)?.id === entry.id) {
      this.#twins.delete(nameOf(entry, entry.idempotencyKey));
    }
  }

  /** An entry is not in the queue any more. */
  remove(entry: Entry): void {
    if (entry.key === undefined) return;
    const place = nameOf(entry, entry.key);
    const ids = this.#byKey.get(place);
    ids?.delete(entry.id);
    if (ids?.size === 0) this.#byKey.delete(place);
  }
}

function nameOf(entry: Pick<DedupKey, "channel" | "destination">, name: string): string {
  return `${laneKey(entry)} ${name}`;
}
