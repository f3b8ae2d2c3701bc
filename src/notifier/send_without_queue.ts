/**
 * Sends a notification that could not be queued: there is no place for a queue, the disk is full,
 * or the disk does not accept writes. Each envelope (one notification for one destination) gets one
 * attempt. A later attempt is not possible, because the notification is not stored.
 *
 * @module
 */

import { StorageError } from "../base/errors.ts";
import type { Channel, Envelope } from "../channels/channel.ts";
import { attempt, type FullTextReader } from "../delivery/attempt.ts";
import { ATTEMPT_GRACE_MS } from "../delivery/attempt_group.ts";
import type { NotificationInput } from "../notification/notification.ts";
import type { AttemptResult } from "../queue/change_records.ts";
import type { Plan } from "../routing/route.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { DEFAULT_NOTIFY_WAIT_MS } from "./options.ts";
import { type FailedOutcome, type Outcome, outcomeTarget } from "./outcomes.ts";

/**
 * The time for an attempt, in milliseconds, after an earlier attempt of the same channel has timed
 * out. Without this limit, the caller would wait for the full timeout at each destination.
 */
const SHORT_TIMEOUT_MS = 1_000;

/** The options for sending without the queue. */
export interface SendWithoutQueueOptions {
  readonly runtime: Pick<Runtime, "now" | "uuid" | "timeout">;
  /** True if shortcodes such as `:warning-sign:` in subjects are replaced by symbols. */
  readonly shortcodes: boolean;
  /** Reads the messages that are stored as files. */
  readonly files: FullTextReader;
  /** The error that prevented queueing. */
  readonly problem: StorageError;
  /**
   * The time that the caller can wait, in milliseconds. Each attempt gets this time, but at least
   * 10 s. If an attempt times out, the next attempts of the same channel get only 1 s.
   */
  readonly waitMs: number;
  /** A function that is called with a warning if the notification was sent without the queue. */
  readonly warn: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** The result of the attempt for one envelope. */
interface Attempted {
  /** The transaction id of the attempt. */
  readonly id: string;
  readonly envelope: Envelope;
  readonly result: AttemptResult;
}

/**
 * Makes one attempt for each envelope of a plan. If an envelope fails, its fallbacks get one
 * attempt immediately: without the queue, they cannot be sent later.
 *
 * @returns one outcome for each attempt: `delivered`, `dead` or `refused`
 * @throws {StorageError} if all attempts are refused, or if the queue is full. A full queue must
 * first deliver its older entries.
 * @throws the reason of the signal, if the signal ended an attempt
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
    const why = refused[0] ? `; one attempt without the queue also failed: ${refused[0].reason}` : "";
    throw new StorageError(problem.code, problem.message + why, { cause: problem, hint: problem.hint });
  }
  const hint = problem.hint === undefined ? "" : ` (${problem.hint})`;
  warn(`${problem.message}; the notification was sent without the queue${hint}`);
  return outcomes;
}

/**
 * Makes one attempt for each envelope. The channels send in parallel. The envelopes of one channel
 * are sent one after another.
 */
async function tryAll(
  envelopes: readonly Envelope[],
  channels: ReadonlyMap<string, Channel>,
  options: SendWithoutQueueOptions,
): Promise<Attempted[]> {
  const attempted = new Map<Envelope, Attempted>();
  const tryChannel = async (channel: Channel, envelopes: readonly Envelope[]) => {
    const texts = new Map<string, AttemptResult>();
    let timeoutMs = Math.max(options.waitMs, DEFAULT_NOTIFY_WAIT_MS);
    for (const envelope of envelopes) {
      const start = options.runtime.now();
      const { destination, attachmentIndex } = envelope;
      const text = attachmentIndex === undefined ? undefined : texts.get(destination);
      // If the text failed, its attachments are not sent and get the result of the text.
      const result = text !== undefined && text.state !== "delivered"
        ? { id: options.runtime.uuid(), envelope, result: text }
        : await tryOnce(envelope, channel, { ...options, timeoutMs });
      if (options.runtime.now() - start >= timeoutMs) timeoutMs = SHORT_TIMEOUT_MS;
      if (attachmentIndex === undefined) texts.set(destination, result.result);
      attempted.set(envelope, result);
    }
  };
  await Promise.all(
    Array.from(Map.groupBy(envelopes, ({ channel }) => channel), async ([name, envelopes]) => {
      const channel = channels.get(name);
      if (channel !== undefined) return await tryChannel(channel, envelopes);
      for (const envelope of envelopes) {
        attempted.set(envelope, { id: options.runtime.uuid(), envelope, result: createStopped(options) });
      }
    }),
  );
  return envelopes.map((envelope) => attempted.get(envelope)).filter((result) => result !== undefined);
}

async function tryOnce(
  envelope: Envelope,
  channel: Channel,
  { runtime: { now, uuid, timeout }, shortcodes, files, timeoutMs, signal }: SendWithoutQueueOptions & {
    readonly timeoutMs: number;
  },
): Promise<Attempted> {
  const id = uuid();
  const entry = { ...envelope, id, time: now(), expires: envelope.notification.expires, bytes: 0, attempts: 1 };
  const limits = { timeout, timeoutMs, totalMs: timeoutMs + ATTEMPT_GRACE_MS, signal };
  const result = await attempt(entry, channel, { now, shortcodes, files, ...limits, failures: 0, random: 0 });
  return { id, envelope, result };
}

/** Creates the result for a channel with a mistake in its configuration. */
function createStopped({ runtime }: SendWithoutQueueOptions): AttemptResult {
  const reason = "The configuration of the channel has a mistake";
  return { state: "failed", class: "credentials", reason, next: runtime.now() };
}

function toOutcome({ id, envelope, result }: Attempted): Outcome {
  const where = outcomeTarget({ id, ...envelope });
  if (result.state === "delivered") return { ...where, state: "delivered", receipt: result.receipt };
  const doubt = result.state === "failed" && result.class === "in-doubt" ? "It may have arrived: " : "";
  return { ...where, state: result.state === "dead" ? "dead" : "refused", reason: doubt + result.reason };
}

/**
 * Removes the attachments, because they cannot be stored, and adds a problem for each attachment.
 */
export function withoutAttachments(input: NotificationInput, { message }: StorageError): NotificationInput {
  const { attachments = [], problems = [], ...rest } = input;
  const unsent = attachments.map(({ path, name = path }) => `Cannot attach ${name ?? "a file"}: ${message}`);
  return { ...rest, problems: [...problems, ...unsent] };
}
