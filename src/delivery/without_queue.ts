/**
 * Delivery past the queue, for envelopes that no disk takes: one try each, since nothing would remember that another is due.
 *
 * @module
 */

import type { Channel, Envelope } from "../channels/channel.ts";
import type { AttemptResult } from "../queue/queue_types.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { attempt } from "./attempt.ts";

/** How to deliver past the queue. */
export interface AttemptsWithoutQueueOptions {
  readonly runtime: Pick<Runtime, "now" | "uuid">;
  /** `true`: shortcodes in subjects become symbols. */
  readonly shortcodes: boolean;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** What became of an envelope past the queue. */
export interface WithoutQueueResult {
  /** Its txnId. */
  readonly id: string;
  readonly envelope: Envelope;
  readonly result: AttemptResult;
}

/**
 * Tries each envelope once: all channels at the same time, one request in flight a channel. A file goes the way of its text, which stands before it.
 *
 * @returns what became of them, in the order in which they came
 * @throws the signal's reason, when that ended it
 */
export async function deliverWithoutQueue(
  envelopes: readonly Envelope[],
  channels: ReadonlyMap<string, Channel>,
  options: AttemptsWithoutQueueOptions,
): Promise<WithoutQueueResult[]> {
  const results = new Map<Envelope, WithoutQueueResult>();
  const tryAll = async (batch: readonly Envelope[]) => {
    const texts = new Map<string, AttemptResult>();
    for (const envelope of batch) {
      const channel = channels.get(envelope.channel);
      if (channel === undefined) continue;
      const { destination, attachmentIndex } = envelope;
      const text = attachmentIndex === undefined ? undefined : texts.get(destination);
      // A file says nothing without its text.
      const isAlone = text !== undefined && text.state !== "delivered";
      const tried = isAlone
        ? { id: options.runtime.uuid(), envelope, result: text }
        : await tryOnce(envelope, channel, options);
      if (attachmentIndex === undefined) texts.set(destination, tried.result);
      results.set(envelope, tried);
    }
  };
  await Promise.all([...Map.groupBy(envelopes, ({ channel }) => channel).values()].map(tryAll));
  return envelopes.map((envelope) => results.get(envelope)).filter((result) => result !== undefined);
}

async function tryOnce(
  envelope: Envelope,
  channel: Channel,
  { runtime: { now, uuid }, shortcodes, timeoutMs, signal }: AttemptsWithoutQueueOptions,
): Promise<WithoutQueueResult> {
  const id = uuid();
  const entry = { ...envelope, id, time: now(), expires: envelope.notification.expires, bytes: 0, attempts: 1 };
  const result = await attempt(entry, channel, { now, shortcodes, timeoutMs, signal, failures: 0, random: 0 });
  return { id, envelope, result };
}
