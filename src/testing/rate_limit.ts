/**
 * The limit of Synapse on the messages of a user: a leaky bucket (`rc_message` in its
 * configuration).
 */

import { type Answer, jsonAnswer } from "./answer.ts";

/** A limit on the messages of a user. */
export interface RateLimit {
  /** Messages a second in the long run; the default of Synapse is 0.2. */
  readonly perSecond: number;
  /** Messages at once; the default of Synapse is 10. */
  readonly burst: number;
}

/** Applies a limit to each user. */
export class RateLimiter {
  readonly #limit: RateLimit | undefined;
  readonly #now: () => number;
  readonly #buckets = new Map<string, { readonly count: number; readonly time: number }>();

  constructor(limit: RateLimit | undefined, now: () => number) {
    this.#limit = limit;
    this.#now = now;
  }

  /** Counts a message. @returns the error if the limit is reached; such a message does not count */
  take(userId: string): Answer | undefined {
    if (this.#limit === undefined) return undefined;
    const { perSecond, burst } = this.#limit;
    const time = this.#now();
    const bucket = this.#buckets.get(userId) ?? { count: 0, time };
    const count = Math.max(0, bucket.count - perSecond * (time - bucket.time) / 1000);
    // Tolerates a rounding of one millisecond: a client that waited as long as required must
    // succeed.
    if (count + 1 <= burst + perSecond / 1000) {
      this.#buckets.set(userId, { count: count + 1, time });
      return undefined;
    }
    const retryAfterMs = Math.round(1000 * (count + 1 - burst) / perSecond);
    const body = { errcode: "M_LIMIT_EXCEEDED", error: "Too Many Requests", retry_after_ms: retryAfterMs };
    return jsonAnswer(429, body, { "retry-after": String(Math.ceil(retryAfterMs / 1000)) });
  }
}
