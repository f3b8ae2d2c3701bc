/**
 * What happens when no disk takes a notification: it is tried once without the queue, and whoever sent it is told what that came to.
 *
 * @module
 */

import type { Channel, Envelope } from "../channels/channel.ts";
import type { Plan } from "../routing/route.ts";
import {
  type AttemptsWithoutQueueOptions,
  deliverWithoutQueue,
  type WithoutQueueResult,
} from "../delivery/without_queue.ts";
import { StorageError } from "../base/errors.ts";
import { DEFAULT_NOTIFY_WAIT_MS } from "./options.ts";
import { type Outcome, whereOf } from "./outcomes.ts";

/** How to send without the queue. */
export interface UnqueuedSendOptions extends Omit<AttemptsWithoutQueueOptions, "timeoutMs"> {
  /** Why the queue did not take it. */
  readonly problem: StorageError;
  /** How long the caller wanted to wait, milliseconds; one try has 10 s at least. */
  readonly waitMs: number;
  /** Tells what did not go as it should. */
  readonly warn: (text: string) => void;
}

/**
 * Tries what is on no disk, and what stands in for it where that fails.
 *
 * @returns an outcome each: `delivered`, `dead`, or `refused`
 * @throws {StorageError} when all are refused; or at once, when the queue is as large as it may be: then what is before it must go first
 */
export async function sendWithoutQueue(
  { envelopes, fallbacks }: Pick<Plan, "envelopes" | "fallbacks">,
  channels: ReadonlyMap<string, Channel>,
  { problem, waitMs, warn, ...options }: UnqueuedSendOptions,
): Promise<Outcome[]> {
  if (problem.code === "limit") throw problem;
  const timeoutMs = Math.max(waitMs, DEFAULT_NOTIFY_WAIT_MS);
  const tryAll = (some: readonly Envelope[]) => deliverWithoutQueue(some, channels, { ...options, timeoutMs });
  const first = await tryAll(envelopes);
  // Nobody would remember later that something stands in for what failed: it does so now.
  const failed = new Set(first.filter(({ result }) => result.state !== "delivered").map(({ envelope }) => envelope));
  const standIns = fallbacks.filter(({ primaries }) => primaries.some(({ envelope }) => failed.has(envelope)));
  const outcomes = [...first, ...await tryAll(standIns.map(({ envelope }) => envelope))].map(outcomeOf);
  const refused = outcomes.filter(({ state }) => state === "refused");
  if (refused.length === outcomes.length) {
    const why = refused[0] ? `; nor was it delivered without: ${refused[0].reason}` : "";
    throw new StorageError(problem.code, problem.message + why, { cause: problem });
  }
  warn(`${problem.message}; it was sent without the queue`);
  return outcomes;
}

function outcomeOf({ id, envelope, result }: WithoutQueueResult): Outcome {
  const where = whereOf({ id, ...envelope });
  if (result.state === "delivered") return { ...where, state: "delivered", receipt: result.receipt };
  const doubt = result.state === "failed" && result.class === "in-doubt" ? "It may have arrived: " : "";
  return { ...where, state: result.state === "dead" ? "dead" : "refused", reason: doubt + result.reason };
}
