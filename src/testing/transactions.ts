/**
 * The transaction ids of a homeserver. A homeserver recognizes a repeated request by its
 * transaction id. Without this id, the homeserver would store the message twice.
 *
 * The software determines the scope of the ids, their lifetime, and which ids are lost at a
 * restart.
 *
 * @module
 */

import type { Token, TransactionScope } from "./homeserver_types.ts";

/** A request with a transaction id. */
export interface Transaction {
  readonly token: Token;
  readonly roomId: string;
  readonly eventType: string;
  readonly txnId: string;
}

interface StoredTransaction {
  readonly eventId: string;
  readonly time: number;
  keptMs: number;
  /** True if the transaction id is stored in the database, and not only in memory. */
  durable: boolean;
}

/** The time for which Synapse stores transaction ids in its database, in milliseconds. */
const SYNAPSE_TABLE_MS = 24 * 60 * 60 * 1000;

/**
 * The minimum time for which Synapse and Dendrite store transaction ids in memory, in milliseconds.
 * The real servers may store the ids for up to 60 minutes.
 */
const MEMORY_MS = 30 * 60 * 1000;

/** Stores transaction ids. */
export class Transactions {
  readonly scope: TransactionScope;
  readonly #now: () => number;
  readonly #stored = new Map<string, StoredTransaction>();

  constructor(scope: TransactionScope, now: () => number) {
    this.scope = scope;
    this.#now = now;
  }

  /** Finds the id of the event that an earlier request with this transaction id created. */
  find(transaction: Transaction): string | undefined {
    const stored = this.#stored.get(this.#key(transaction));
    return stored !== undefined && this.#now() - stored.time < stored.keptMs ? stored.eventId : undefined;
  }

  add(transaction: Transaction, eventId: string): void {
    if (this.scope === "none") return;
    const durable = this.scope === "global" || this.scope === "device" && transaction.token.deviceId !== undefined;
    const keptMs = this.scope === "global" ? Infinity : durable ? SYNAPSE_TABLE_MS : MEMORY_MS;
    this.#stored.set(this.#key(transaction), { eventId, time: this.#now(), keptMs, durable });
  }

  /** Removes the transaction ids that are only in memory, as a restart does. */
  restart(): void {
    for (const [key, { durable }] of this.#stored) {
      if (!durable) this.#stored.delete(key);
    }
  }

  clear(): void {
    this.#stored.clear();
  }

  /**
   * Simulates what Synapse does with the transaction ids of a removed device. Synapse deletes these
   * ids from its database. In memory, the ids stay until they expire, or until a restart.
   */
  removeDevice(token: Token): void {
    if (this.scope !== "device") return;
    const prefix = toDeviceKey(token);
    for (const [key, stored] of this.#stored) {
      if (!key.startsWith(prefix)) continue;
      stored.durable = false;
      stored.keptMs = MEMORY_MS;
    }
  }

  /**
   * Returns the key of a transaction id. In Synapse, the key does not contain the event type. In
   * Conduit, the key contains neither the event type nor the room. In Dendrite, the key contains
   * the whole path.
   */
  #key({ token, roomId, eventType, txnId }: Transaction): string {
    if (this.scope === "global") return toDeviceKey(token) + JSON.stringify([txnId]);
    if (this.scope === "device" && token.deviceId !== undefined) {
      return toDeviceKey(token) + JSON.stringify([roomId, txnId]);
    }
    return JSON.stringify([token.accessToken, roomId, eventType, txnId]);
  }
}

function toDeviceKey({ userId, deviceId }: Token): string {
  return JSON.stringify([userId, deviceId]);
}
