/**
 * Finds entries by the two keys that a caller can set: the `key` and the idempotency key. The `key`
 * names the problem that an entry is about. A new entry with a `key` can replace the waiting
 * entries with this `key`. An idempotency key identifies one entry. A second entry with the same
 * idempotency key is a duplicate: the caller repeated a call, because the result of the first call
 * was unknown.
 *
 * After the delivery of an entry, its idempotency key is remembered as long as the `ack` record
 * (the record of the delivery) is kept.
 *
 * @module
 */

import { type Entry, identifyKey, type Lane, laneKey, type SenderKey } from "./entry.ts";
import { MAX_ACK_BYTES } from "./limits.ts";
import type { AckRecord } from "./record.ts";

/** An entry or a request that may be a duplicate. */
export interface DedupKey extends Lane {
  readonly idempotencyKey?: string;
}

/** The first entry that was enqueued with an idempotency key. */
export interface Duplicate {
  readonly id: string;
  /** The proof of the delivery. It is undefined until the entry is delivered. */
  readonly receipt?: string;
}

/** The index of keys and idempotency keys for each lane (one destination of one channel). */
export class DedupIndex {
  readonly #byIdempotencyKey = new Map<string, Duplicate>();
  /** The ids of the entries with a key, by key (see `identifyKey`) and lane. */
  readonly #byKey = new Map<string, Map<string, Set<string>>>();
  /**
   * The lengths of the `ack` records (the records of deliveries) in the journal, oldest first. To
   * save memory, nothing else about these records is stored here.
   */
  readonly #acks: number[] = [];
  /** The deliveries with an idempotency key, by the position of their record in `#acks`. */
  readonly #named = new Map<number, { readonly name: string; readonly id: string }>();
  #forgottenAcks = 0;
  #ackBytes = 0;

  /** The total size of the `ack` records that a compaction can keep, in bytes. */
  get ackBytes(): number {
    return this.#ackBytes;
  }

  /**
   * The number of `ack` records at the beginning of the journal that a compaction does not keep.
   */
  get forgottenAcks(): number {
    return this.#forgottenAcks;
  }

  /** Adds an entry. Returns false if the entry is a duplicate. */
  register(entry: DedupKey & SenderKey & { readonly id: string }): boolean {
    if (entry.idempotencyKey !== undefined) {
      const duplicate = this.findDuplicate(entry);
      if (duplicate !== undefined && duplicate.id !== entry.id) return false;
      this.#byIdempotencyKey.set(nameInLane(entry, entry.idempotencyKey), { id: entry.id });
    }
    const key = identifyKey(entry);
    if (key !== undefined) {
      const lanes = this.#byKey.get(key) ?? new Map<string, Set<string>>();
      const ids = lanes.get(laneKey(entry)) ?? new Set();
      this.#byKey.set(key, lanes.set(laneKey(entry), ids.add(entry.id)));
    }
    return true;
  }

  /**
   * Finds the queued or delivered entry with the same idempotency key, channel and destination as
   * `entry`.
   */
  findDuplicate(entry: DedupKey): Duplicate | undefined {
    if (entry.idempotencyKey === undefined) return undefined;
    return this.#byIdempotencyKey.get(nameInLane(entry, entry.idempotencyKey));
  }

  /** Finds the ids of the entries with the same key, sender, channel and destination as `entry`. */
  findIdsWithKey(entry: Lane & SenderKey): readonly string[] {
    return [...this.#byKey.get(identifyKey(entry) ?? "")?.get(laneKey(entry)) ?? []];
  }

  /** Finds the ids of the entries with a key, for all channels and destinations. */
  findIdsWithKeyAnywhere(key: SenderKey): readonly string[] {
    return [...this.#byKey.get(identifyKey(key) ?? "")?.values() ?? []].flatMap((ids) => [...ids]);
  }

  /**
   * Records a delivery. If all `ack` records together need more than {@linkcode MAX_ACK_BYTES},
   * forgets the oldest deliveries.
   */
  onDelivery({ id, receipt, idempotencyKey, channel, destination }: AckRecord, bytes: number): void {
    const isNamed = idempotencyKey !== undefined && channel !== undefined && destination !== undefined;
    if (isNamed) {
      const name = nameInLane({ channel, destination }, idempotencyKey);
      this.#byIdempotencyKey.set(name, { id, receipt });
      this.#named.set(this.#acks.length, { name, id });
    }
    this.#acks.push(bytes);
    this.#ackBytes += bytes;
    while (this.#ackBytes > MAX_ACK_BYTES) this.#forgetOldestAck();
  }

  #forgetOldestAck(): void {
    const oldest = this.#forgottenAcks++;
    this.#ackBytes -= this.#acks[oldest];
    const named = this.#named.get(oldest);
    if (named === undefined) return;
    this.#named.delete(oldest);
    if (this.#byIdempotencyKey.get(named.name)?.id === named.id) this.#byIdempotencyKey.delete(named.name);
  }

  /** Forgets the idempotency key of a dropped or replaced entry. */
  freeIdempotencyKey(entry: Entry): void {
    if (entry.idempotencyKey !== undefined && this.findDuplicate(entry)?.id === entry.id) {
      this.#byIdempotencyKey.delete(nameInLane(entry, entry.idempotencyKey));
    }
  }

  /**
   * Removes the key of an entry that has left the queue. The idempotency key of the entry is still
   * remembered.
   */
  remove(entry: Entry): void {
    const key = identifyKey(entry);
    if (key === undefined) return;
    const lanes = this.#byKey.get(key);
    const ids = lanes?.get(laneKey(entry));
    ids?.delete(entry.id);
    if (ids?.size === 0) lanes?.delete(laneKey(entry));
    if (lanes?.size === 0) this.#byKey.delete(key);
  }
}

function nameInLane(lane: Lane, name: string): string {
  return `${laneKey(lane)} ${name}`;
}
