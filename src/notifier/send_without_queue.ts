/**
 * Sends a notification that could not be queued: the disk is full, or refuses. Each envelope is
 * tried once. There is no retry, since nothing would remember it.
 *
 * @module
 */

import { StorageError } from "../base/errors.ts";
import type { Channel, Envelope } from "../channels/channel.ts";
import { attempt } from "../delivery/attempt.ts";
import type { AttemptResult } from "../queue/entry_transitions.ts";
import type { Plan } from "../routing/route.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { DEFAULT_NOTIFY_WAIT_MS } from "./options.ts";
import { type FailedOutcome, type Outcome, outcomeTarget } from "./outcomes.ts";

/** How to send without the queue. */
export interface SendWithoutQueueOptions {
  readonly runtime: Pick<Runtime, "now" | "uuid">;
  /** `true`: shortcodes in subjects become symbols. */
  readonly shortcodes: boolean;
  /** Why the notification could not be queued. */
  readonly problem: StorageError;
  /** How long the caller is ready to wait, milliseconds. An attempt gets 10 s at least. */
  readonly waitMs: number;
  /** Called with a sentence for people if the notification was sent this way. */
  readonly warn: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** What became of one envelope. */
interface Attempted {
  /** The txnId of the attempt. */
  readonly id: string;
  readonly envelope: Envelope;
  readonly result: AttemptResult;
}

/**
 * Tries each envelope of a plan once, then the fallbacks of those that failed: nothing would
 * remember the fallbacks later.
 *
 * @returns one outcome for each attempt: `delivered`, `dead` or `refused`
 * @throws {StorageError} if all are refused, or if the queue is at its size limit: then the older
 * entries must go first
 * @throws the reason of the signal, if it ended an attempt
 */
export async function sendWithoutQueue(
  { envelopes, fallbacks }: Pick<Plan, "envelopes" | "fallbacks">,
  channels: ReadonlyMap<string, Channel>,
  options: SendWithoutQueueOptions,
): Promise<Outcome[]> {
  const { problem, warn } = options;
  if (problem.code === "queue-full") throw problem;
  const first = await tryAll(envelopes, channels, options);
  const failed = new Set(first.filter(({ result }) => result.state !== "delivered").map(({ envelope }) => envelope));
  const due = fallbacks.filter(({ primaries }) => primaries.some(({ envelope }) => failed.has(envelope)));
  const second = await tryAll(due.map(({ envelope }) => envelope), channels, options);
  const outcomes = [...first, ...second].map(toOutcome);
  const refused = outcomes.filter((outcome): outcome is FailedOutcome => outcome.state === "refused");
  if (refused.length === outcomes.length) {
    const why = refused[0] ? `; one attempt without the queue failed too: ${refused[0].reason}` : "";
    throw new StorageError(problem.code, problem.message + why, { cause: problem, hint: problem.hint });
  }
  warn(`${problem.message}; it was sent without the queue`);
  return outcomes;
}

/** Tries envelopes once, in order within a channel, and all channels at the same time. */
async function tryAll(
  envelopes: readonly Envelope[],
  channels: ReadonlyMap<string, Channel>,
  options: SendWithoutQueueOptions,
): Promise<Attempted[]> {
  const attempted = new Map<Envelope, Attempted>();
  const tryChannel = async (channel: Channel, envelopes: readonly Envelope[]) => {
    const texts = new Map<string, AttemptResult>();
    for (const envelope of envelopes) {
      const { destination, attachmentIndex } = envelope;
      const text = attachmentIndex === undefined ? undefined : texts.get(destination);
      // An attachment without its text means nothing: it shares the result of a text that failed.
      const result = text !== undefined && text.state !== "delivered"
        ? { id: options.runtime.uuid(), envelope, result: text }
        : await tryOnce(envelope, channel, options);
      if (attachmentIndex === undefined) texts.set(destination, result.result);
      attempted.set(envelope, result);
    }
  };
  await Promise.all(
    Array.from(Map.groupBy(envelopes, ({ channel }) => channel), async ([name, envelopes]) => {
      const channel = channels.get(name);
      if (channel !== undefined) await tryChannel(channel, envelopes);
    }),
  );
  return envelopes.map((envelope) => attempted.get(envelope)).filter((result) => result !== undefined);
}

async function tryOnce(
  envelope: Envelope,
  channel: Channel,
  { runtime: { now, uuid }, shortcodes, waitMs, signal }: SendWithoutQueueOptions,
): Promise<Attempted> {
  const id = uuid();
  const entry = { ...envelope, id, time: now(), expires: envelope.notification.expires, bytes: 0, attempts: 1 };
  const timeoutMs = Math.max(waitMs, DEFAULT_NOTIFY_WAIT_MS);
  const result = await attempt(entry, channel, { now, shortcodes, timeoutMs, signal, failures: 0, random: 0 });
  return { id, envelope, result };
}

function toOutcome({ id, envelope, result }: Attempted): Outcome {
  const where = outcomeTarget({ id, ...envelope });
  if (result.state === "delivered") return { ...where, state: "delivered", receipt: result.receipt };
  const doubt = result.state === "failed" && result.class === "in-doubt" ? "It may have arrived: " : "";
  return { ...where, state: result.state === "dead" ? "dead" : "refused", reason: doubt + result.reason };
}
