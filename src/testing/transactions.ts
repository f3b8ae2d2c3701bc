/**
 * What a homeserver remembers of transaction ids: for whom an id counts, for how long, and what of it outlives a restart. The
 * servers differ in all three, and each difference is a way to send a message twice.
 *
 * @module
 */

import type { Token } from "./homeserver_types.ts";
import type { TransactionScope } from "./homeserver_types.ts";

/** The request that a transaction id belongs to. */
export interface Transaction {
  readonly token: Token;
  readonly roomId: string;
  readonly eventType: string;
  readonly txnId: string;
}

interface Remembered {
  readonly eventId: string;
  readonly at: number;
  keptMs: number;
  /** Whether it is in the server's database, not only in its memory. */
  durable: boolean;
}

/** Synapse sweeps its table of transaction ids after this time. */
const SYNAPSE_TABLE_MS = 24 * 60 * 60 * 1000;

/** What lives in memory only is kept for 30 to 60 minutes, by Synapse and by Dendrite; this is the part to count on. */
const MEMORY_MS = 30 * 60 * 1000;

/** The transaction ids that a server remembers. */
export class Transactions {
  readonly scope: TransactionScope;
  readonly #now: () => number;
  readonly #remembered = new Map<string, Remembered>();

  constructor(scope: TransactionScope, now: () => number) {
    this.scope = scope;
    this.#now = now;
  }

  /** The event that this transaction made, if the server still knows. */
  recall(transaction: Transaction): string | undefined {
    const remembered = this.#remembered.get(this.#key(transaction));
    return remembered !== undefined && this.#now() - remembered.at < remembered.keptMs ? remembered.eventId : undefined;
  }

  remember(transaction: Transaction, eventId: string): void {
    if (this.scope === "none") return;
    const durable = this.scope === "global" || this.scope === "device" && transaction.token.deviceId !== undefined;
    const keptMs = this.scope === "global" ? Infinity : durable ? SYNAPSE_TABLE_MS : MEMORY_MS;
    this.#remembered.set(this.#key(transaction), { eventId, at: this.#now(), keptMs, durable });
  }

  /** What a restart does: what was only in memory is gone. */
  restart(): void {
    for (const [key, { durable }] of this.#remembered) {
      if (!durable) this.#remembered.delete(key);
    }
  }

  forgetAll(): void {
    this.#remembered.clear();
  }

  /** Synapse deletes a device's rows together with the device; its memory goes on for a while. */
  forgetDevice(token: Token): void {
    if (this.scope !== "device") return;
    const prefix = deviceKey(token);
    for (const [key, remembered] of this.#remembered) {
      if (!key.startsWith(prefix)) continue;
      remembered.durable = false;
      remembered.keptMs = MEMORY_MS;
    }
  }

  /** Synapse does not look at the event type, Dendrite looks at the whole path, Conduit at neither type nor room. */
  #key({ token, roomId, eventType, txnId }: Transaction): string {
    if (this.scope === "global") return deviceKey(token) + JSON.stringify([txnId]);
    if (this.scope === "device" && token.deviceId !== undefined) {
      return deviceKey(token) + JSON.stringify([roomId, txnId]);
    }
    return JSON.stringify([token.accessToken, roomId, eventType, txnId]);
  }
}

function deviceKey({ userId, deviceId }: Token): string {
  return JSON.stringify([userId, deviceId]);
}
