/**
 * The transaction ids of a homeserver: their scope, their lifetime, and whether they survive a
 * restart. Homeservers differ in all three, and each difference is a way to send a message twice.
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
  /** Whether it is in the database, not only in memory. */
  durable: boolean;
}

/** How long Synapse keeps transaction ids in its database. */
const SYNAPSE_TABLE_MS = 24 * 60 * 60 * 1000;

/**
 * How long Synapse and Dendrite keep transaction ids in memory at least; it can be up to 60
 * minutes.
 */
const MEMORY_MS = 30 * 60 * 1000;

/** All stored transaction ids. */
export class Transactions {
  readonly scope: TransactionScope;
  readonly #now: () => number;
  readonly #stored = new Map<string, StoredTransaction>();

  constructor(scope: TransactionScope, now: () => number) {
    this.scope = scope;
    this.#now = now;
  }

  /** Finds the event of a transaction. */
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

  /** Removes the ids that are only in memory. */
  restart(): void {
    for (const [key, { durable }] of this.#stored) {
      if (!durable) this.#stored.delete(key);
    }
  }

  clear(): void {
    this.#stored.clear();
  }

  /**
   * Removes the ids of a device from the database of Synapse, with the device. They stay in memory
   * for a while.
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
   * Synapse ignores the event type, Conduit ignores type and room, Dendrite uses the whole path.
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
