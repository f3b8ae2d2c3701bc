/**
 * Protects a receiver: limits the rate of each sender, compares tokens, and logs refusals.
 */

import type { SettingsOf } from "../channels/fields/setting.ts";
import type { RATE_LIMIT_SETTING } from "../config/serve.ts";
import type { ReceiverContext } from "./receiver.ts";

/** A limit: `count` notifications in the period `per` (milliseconds). */
export type RateLimit = Exclude<SettingsOf<{ readonly limit: typeof RATE_LIMIT_SETTING }>["limit"], false | undefined>;

/**
 * The largest number of senders that a limiter remembers. A forgotten sender is treated as a new
 * sender.
 */
const MAX_SENDERS = 10_000;

/** Limits the rate of each sender with a token bucket. */
export class RateLimiter {
  readonly #limit: RateLimit;
  readonly #now: () => number;
  readonly #buckets = new Map<string, { tokens: number; time: number }>();

  constructor(limit: RateLimit, now: () => number) {
    this.#limit = limit;
    this.#now = now;
  }

  /**
   * Counts one notification of a sender.
   *
   * @returns 0 if the sender is below the limit; otherwise the milliseconds until the sender can
   *   send again
   */
  take(sender: string): number {
    const { count, per } = this.#limit;
    const now = this.#now();
    const { tokens, time } = this.#buckets.get(sender) ?? { tokens: count, time: now };
    const filled = Math.min(count, tokens + Math.max(0, now - time) * count / per);
    // The map is in the order of activity: the sender that was active last is at its end.
    this.#buckets.delete(sender);
    this.#buckets.set(sender, { tokens: filled < 1 ? filled : filled - 1, time: now });
    if (this.#buckets.size > MAX_SENDERS) {
      for (const oldest of this.#buckets.keys()) {
        this.#buckets.delete(oldest);
        break;
      }
    }
    return filled < 1 ? Math.ceil((1 - filled) * per / count) : 0;
  }
}

/** A refusal is logged again after this time, in milliseconds. */
const REFUSAL_LOG_MS = 3_600_000;

/** Logs refusals, each kind once an hour. So a wrong program does not fill the log. */
export class RefusalLog {
  readonly #log: (text: string) => void;
  readonly #limiter: RateLimiter;

  constructor({ log, runtime }: Pick<ReceiverContext, "log" | "runtime">) {
    this.#log = log;
    this.#limiter = new RateLimiter({ count: 1, per: REFUSAL_LOG_MS }, runtime.now);
  }

  add(kind: string, text: string): void {
    if (this.#limiter.take(kind) === 0) this.#log(`${text} (logged once an hour)`);
  }
}

/**
 * Compares two texts. The time of the comparison does not depend on the position of the first
 * difference.
 */
export async function equalsSecret(given: string, secret: string): Promise<boolean> {
  const [one, other] = await Promise.all([given, secret].map(async (text) => {
    return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  }));
  return one.reduce((difference, byte, at) => difference | byte ^ other[at], 0) === 0;
}
