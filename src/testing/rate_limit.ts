/** The limit that Synapse puts on a user's messages: a bucket that leaks at a steady rate (its configuration, `rc_message`). */

import { type Answer, jsonAnswer } from "./answer.ts";

/** How much a user may send. */
export interface RateLimit {
  /** How many a second in the long run; Synapse's default is 0.2. */
  readonly perSecond: number;
  /** How many at once; Synapse's default is 10. */
  readonly burst: number;
}

/** The buckets of all users. */
export class RateLimiter {
  readonly #limit: RateLimit | undefined;
  readonly #now: () => number;
  readonly #buckets = new Map<string, { readonly count: number; readonly time: number }>();

  constructor(limit: RateLimit | undefined, now: () => number) {
    this.#limit = limit;
    this.#now = now;
  }

  /** Takes one more; or says why not, which counts for nothing. */
  take(userId: string): Answer | undefined {
    if (this.#limit === undefined) return undefined;
    const { perSecond, burst } = this.#limit;
    const time = this.#now();
    const bucket = this.#buckets.get(userId) ?? { count: 0, time };
    const count = Math.max(0, bucket.count - perSecond * (time - bucket.time) / 1000);
    // A millisecond's worth of rounding must not send away who came when he was told to.
    if (count + 1 <= burst + perSecond / 1000) {
      this.#buckets.set(userId, { count: count + 1, time });
      return undefined;
    }
    const retryAfterMs = Math.round(1000 * (count + 1 - burst) / perSecond);
    const body = { errcode: "M_LIMIT_EXCEEDED", error: "Too Many Requests", retry_after_ms: retryAfterMs };
    return jsonAnswer(429, body, { "retry-after": String(Math.ceil(retryAfterMs / 1000)) });
  }
}
