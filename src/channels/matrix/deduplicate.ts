/**
 * An earlier try may have arrived: is it in the room? Homeservers remember a txnId, but none for ever: Synapse for 24 h and per device, Dendrite for half
 * an hour, in memory, and not while the earlier request is still under way. So the room itself is asked.
 *
 * @module
 */

import { TooEarlyError } from "../../base/errors.ts";
import { MatrixError } from "../../matrix/errors.ts";
import { findEvent } from "../../matrix/events.ts";
import type { MatrixClient } from "../../matrix/request.ts";
import { readServerSoftware } from "../../matrix/discovery.ts";
import type { InDoubt } from "../../queue/record.ts";
import { CLOCK_SKEW_MS } from "./room_resolver.ts";
import type { MatrixSettings } from "./settings.ts";

type InDoubtPolicy = MatrixSettings["inDoubt"];

/** A server that is not Synapse may show an event so much later than it took it. */
export const QUIET_MS: Readonly<Record<InDoubtPolicy, number>> = { send: 35_000, wait: 310_000 };

/** What to ask, and how. */
export interface DeduplicateOptions {
  readonly roomId: string;
  readonly txnId: string;
  readonly inDoubt: InDoubt;
  readonly policy: InDoubtPolicy;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** The event is there; or it is not, and sending it again may make two, or cannot. */
export type EarlierDelivery = { readonly eventId: string } | { readonly possibleDuplicate: boolean };

/**
 * Looks whether an earlier try arrived.
 *
 * @throws {TooEarlyError} when the server may still bring it to light
 * @throws what {@linkcode findEvent} throws, but for a room that cannot be read
 */
export async function findEarlierDelivery(client: MatrixClient, options: DeduplicateOptions): Promise<EarlierDelivery> {
  const { roomId, txnId, inDoubt, policy, timeoutMs, signal } = options;
  const now = client.runtime.now();
  const isSynapse = await readServerSoftware(client, { timeoutMs, signal }) === "Synapse";
  // A clock that jumped back says nothing about how long ago it was; then nobody waits for it.
  const rested = now - inDoubt.until;
  if (!isSynapse && rested >= 0 && rested < QUIET_MS[policy]) {
    throw new TooEarlyError(
      "An earlier try may have arrived; the room is read back first",
      inDoubt.until + QUIET_MS[policy],
    );
  }
  try {
    const since = Math.min(inDoubt.since, now) - CLOCK_SKEW_MS;
    const eventId = await findEvent(client, { roomId, id: txnId, since, timeoutMs, signal });
    return eventId === undefined ? { possibleDuplicate: !isSynapse } : { eventId };
  } catch (error) {
    // Not readable: a message that comes twice is better than one that does not come.
    if (error instanceof MatrixError && (error.status === 403 || error.status === 404)) {
      return { possibleDuplicate: true };
    }
    throw error;
  }
}
