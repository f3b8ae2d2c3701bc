/**
 * The rate limit of Synapse for the messages of a user. It is a leaky bucket (`rc_message` in the
 * configuration of Synapse).
 */

import { type Answer, jsonAnswer } from "./answer.ts";

/** A rate limit for the messages of a user. */
export interface RateLimit {
  /** The average number of messages per second. The default of Synapse is 0.2. */
  readonly perSecond: number;
  /** The number of messages that can be sent without waiting. The default of Synapse is 10. */
  readonly burst: number;
}

/** Applies a rate limit to each user. */
export class RateLimiter {
  readonly #limit: RateLimit | undefined;
  readonly #now: () => number;
  readonly #buckets = new Map<string, { readonly count: number; readonly time: number }>();

  constructor(limit: RateLimit | undefined, now: () => number) {
    this.#limit = limit;
    this.#now = now;
  }

  /**
   * Counts a message of a user. If the limit is reached, does not count the message.
   *
   * @returns an error answer if the limit is reached
   */
  take(userId: string): Answer | undefined {
    if (this.#limit === undefined) return undefined;
    const { perSecond, burst } = this.#limit;
    const time = this.#now();
    const bucket = this.#buckets.get(userId) ?? { count: 0, time };
    const count = Math.max(0, bucket.count - perSecond * (time - bucket.time) / 1000);
    // Allows a rounding error of one millisecond. Without this tolerance, a client that has waited
    // exactly the required time could be rejected.
    if (count + 1 <= burst + perSecond / 1000) {
      this.#buckets.set(userId, { count: count + 1, time });
      return undefined;
    }
    const retryAfterMs = Math.round(1000 * (count + 1 - burst) / perSecond);
    const body = { errcode: "M_LIMIT_EXCEEDED", error: "Too Many Requests", retry_after_ms: retryAfterMs };
    return jsonAnswer(429, body, { "retry-after": String(Math.ceil(retryAfterMs / 1000)) });
  }
}
