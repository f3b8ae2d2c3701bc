/**
 * Retry and backoff: from a failure to what is recorded. Each failure class has its own wait, and a
 * part of it that a flush must not shorten. The whole channel waits, except after a failure that
 * concerns only one lane (`LANE_CLASSES` in queue/channel_states.ts).
 *
 * @module
 */

import type { AttemptResult } from "../queue/entry_transitions.ts";
import type { Failure } from "./classify.ts";

/** The shortest backoff. */
const MIN_BACKOFF_MS = 1000;

/** The longest backoff. A server may ask for more. */
const MAX_BACKOFF_MS: number = 5 * 60_000;

/**
 * How often a channel with bad credentials is tried: a new login must be noticed without a flush.
 */
export const CREDENTIALS_RETRY_MS: number = 5 * 60_000;

/** How often a destination that refuses us is tried. Its entries expire at their own time. */
export const DESTINATION_RETRY_MS: number = 15 * 60_000;

/** The first wait for a destination that is busy. Backoff makes it longer. */
export const BUSY_RETRY_MS: number = 60_000;

/** The shortest wait for a rate limit whose server does not say how long to wait. */
export const UNSTATED_LIMIT_MS = 5_000;

/** The journal limits its lines, so that only the beginning of a server's text is recorded. */
const MAX_REASON_CHARS = 500;
const MAX_ERRCODE_CHARS = 100;

/** What a retry depends on besides the failure. */
export interface RetryContext {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** How often the channel failed in a row before. */
  readonly failures: number;
  /** How often the entry was tried, this attempt included. */
  readonly attempts: number;
  /** A random number from 0 to 1. */
  readonly random: number;
}

/**
 * 1 s, doubling to 5 min. Half of it is random, so that a thousand hosts that lost the same server
 * do not return at the same time. The other half is fixed, so that none of them returns at once.
 *
 * @param failures how many failures in a row, from 1
 * @param random a number from 0 to 1
 */
export function backoffMs(failures: number, random: number): number {
  const step = Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS * 2 ** Math.min(failures - 1, 30));
  return Math.max(MIN_BACKOFF_MS, Math.round(step / 2 + (step / 2) * random));
}

/** Decides what follows a failed attempt: a retry at a certain time, or a dead letter. */
export function planRetry(failure: Failure, { now, failures, attempts, random }: RetryContext): AttemptResult {
  const { status } = failure;
  const reason = failure.reason.slice(0, MAX_REASON_CHARS);
  const errcode = failure.errcode?.slice(0, MAX_ERRCODE_CHARS);
  if (failure.class === "rejected") return { state: "dead", reason, status, errcode };
  const deferred = { state: "failed", class: failure.class, reason, status, errcode } as const;
  const backoff = backoffMs(failures + 1, random);
  // Never shortened: some servers start to count again when a request comes too early.
  const retryAfter = failure.retryAfterMs === undefined ? 0 : Math.max(MIN_BACKOFF_MS, failure.retryAfterMs);
  switch (failure.class) {
    case "rate-limited": {
      const next = now + (retryAfter || Math.max(UNSTATED_LIMIT_MS, backoff));
      return { ...deferred, next, notBefore: next };
    }
    // The channel knows when it can find out whether an earlier attempt arrived.
    case "unverified": {
      const next = failure.until ?? now;
      return { ...deferred, next, notBefore: next };
    }
    // A person must log in or fix the configuration, which backoff cannot know.
    case "credentials":
      return { ...deferred, next: now + CREDENTIALS_RETRY_MS };
    // An administrator of the room must let us in.
    case "destination":
      return { ...deferred, next: now + DESTINATION_RETRY_MS };
    // The server works, so that the backoff counts the attempts of this entry and not the failures
    // of the channel.
    case "destination-busy":
      return { ...deferred, next: now + Math.max(BUSY_RETRY_MS, backoffMs(attempts, random)) };
    // The server is in trouble. After an attempt that may have arrived, the gap lets the server
    // finish it first.
    case "not-sent":
    case "not-the-service":
    case "in-doubt": {
      const least = Math.max(failure.gapMs ?? 0, retryAfter);
      const next = now + Math.max(least, backoff);
      return least > 0 ? { ...deferred, next, notBefore: now + least } : { ...deferred, next };
    }
  }
}
