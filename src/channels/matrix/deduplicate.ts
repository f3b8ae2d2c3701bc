/**
 * Checks whether an earlier attempt with an unknown outcome arrived. Homeservers forget transaction
 * ids after some time. So matrix-notify reads the room to find the event of the attempt (the
 * read-back).
 *
 * ```text
 * Synapse   remembers an id for 24 hours per device; a repeated PUT returns the same event
 * Dendrite  remembers an id for half an hour in memory, but only after the first request has ended
 *
 * end of the last attempt -> wait (not for Synapse) -> read all events since the first attempt
 *   an event has our id       delivered: the event_id is the receipt
 *   no event has our id       send again; on Synapse this cannot create a second event
 *   the room cannot be read   send again, and count a possible duplicate
 *   too many events           stop after 50 pages, send again, and count a possible duplicate
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
 * The time to wait before the read-back (looking in the room for the event of an earlier attempt),
 * in milliseconds, for each value of the setting `inDoubt`. A server other than Synapse may accept
 * an event and show the event some time later.
 */
const QUIET_MS: Readonly<Record<InDoubtPolicy, number>> = { send: 35_000, wait: 310_000 };

/** The earlier attempt, and the limits of the requests. */
export interface DeduplicateOptions {
  /** The room of the earlier attempt. */
  readonly roomId: string;
  /** The transaction id in the event of the earlier attempt. */
  readonly txnId: string;
  readonly inDoubt: InDoubt;
  /** The policy that determines the waiting time before the read-back. */
  readonly policy: InDoubtPolicy;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/**
 * The result of the search: `eventId` if the event of the earlier attempt was found, otherwise
 * `possibleDuplicate`. If `possibleDuplicate` is true, sending the message again may create a
 * duplicate.
 */
export type EarlierDelivery = { readonly eventId: string } | { readonly possibleDuplicate: boolean };

/**
 * Looks for the event of an earlier attempt.
 *
 * @throws {TooEarlyError} if the server may show the event later
 * @throws any error of {@linkcode findEvent}, except if the room cannot be read
 */
export async function findEarlierDelivery(client: MatrixClient, options: DeduplicateOptions): Promise<EarlierDelivery> {
  const { roomId, txnId, inDoubt, policy, timeoutMs, signal } = options;
  const now = client.runtime.now();
  const isSynapse = await readServerSoftware(client, { timeoutMs, signal }) === "Synapse";
  // This time is negative if the clock of this host was set back. In this case, matrix-notify does
  // not wait.
  const rested = now - inDoubt.until;
  if (!isSynapse && rested >= 0 && rested < QUIET_MS[policy]) {
    throw new TooEarlyError(
      "An earlier attempt may have arrived; matrix-notify first looks for the message in the room",
      inDoubt.until + QUIET_MS[policy],
    );
  }
  try {
    const since = Math.min(inDoubt.since, now) - CLOCK_SKEW_MS;
    const found = await findEvent(client, { roomId, id: txnId, since, timeoutMs, signal });
    return "eventId" in found ? found : { possibleDuplicate: !isSynapse || !found.isComplete };
  } catch (error) {
    // The room cannot be read, so send the message again. A duplicate is better than a lost
    // message.
    if (error instanceof MatrixError && (error.status === 403 || error.status === 404)) {
      return { possibleDuplicate: true };
    }
    throw error;
  }
}
