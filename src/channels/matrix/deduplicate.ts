/**
 * Finds out whether an in-doubt try arrived. Homeservers remember a transaction id, but not
 * forever, so the room itself is read back.
 *
 * ```text
 * Synapse   remembers for 24 hours, by device; a repeated PUT returns the same event
 * Dendrite  remembers for half an hour, in memory, and not while the first request is running
 *
 * last try ended -> rest (not for Synapse) -> read the room back to the first try
 *   our id is there      delivered: its event_id is the receipt
 *   it is not there      send again; on Synapse that cannot make a second event
 *   the room is closed   send again, and count a possible duplicate
 * ```
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

/**
 * How long other servers than Synapse rest: they may show an event only some time after they
 * accepted it.
 */
export const QUIET_MS: Readonly<Record<InDoubtPolicy, number>> = { send: 35_000, wait: 310_000 };

/** The in-doubt try, and the limits of the requests. */
export interface DeduplicateOptions {
  /** The room that the try went to. */
  readonly roomId: string;
  /** The id in the event that is looked for. */
  readonly txnId: string;
  readonly inDoubt: InDoubt;
  /** How long to rest before the room is read back. */
  readonly policy: InDoubtPolicy;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/**
 * The event of the earlier try; or, if there is none, whether sending again may make a duplicate.
 */
export type EarlierDelivery = { readonly eventId: string } | { readonly possibleDuplicate: boolean };

/**
 * Looks for the event of an earlier try.
 *
 * @throws {TooEarlyError} if the server may still show it later
 * @throws what {@linkcode findEvent} throws, except for a room that cannot be read
 */
export async function findEarlierDelivery(client: MatrixClient, options: DeduplicateOptions): Promise<EarlierDelivery> {
  const { roomId, txnId, inDoubt, policy, timeoutMs, signal } = options;
  const now = client.runtime.now();
  const isSynapse = await readServerSoftware(client, { timeoutMs, signal }) === "Synapse";
  // After a clock that jumped back, the time since the try is unknown: there is no rest.
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
    // The room cannot be read. A duplicate is better than a lost message.
    if (error instanceof MatrixError && (error.status === 403 || error.status === 404)) {
      return { possibleDuplicate: true };
    }
    throw error;
  }
}
