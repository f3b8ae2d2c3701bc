/**
 * Retry and backoff: plans the next attempt after a failure. The wait depends on the failure class.
 * A flush (immediate attempts) can end the wait early, but not before the time `notBefore`. After a
 * failure of a single destination, only this destination waits (`LANE_CLASSES` in
 * queue/channel_states.ts). After any other failure, the whole channel waits.
 *
 * @module
 */

import { firstChars } from "../base/printable.ts";
import type { AttemptResult } from "../queue/change_records.ts";
import type { Failure } from "./classify.ts";

// If you change the backoff, adapt the bound MAX_REQUESTS in tests/faults/rows/outage.ts.

/** The first wait of the backoff. */
const MIN_BACKOFF_MS = 1000;

/** The longest wait of the backoff. A server can ask for a longer wait. */
const MAX_BACKOFF_MS: number = 5 * 60_000;

/**
 * The longest wait that a server can ask for. A longer wait is usually a mistake of the server or
 * of a clock.
 */
export const MAX_SERVER_WAIT_MS: number = 24 * 3_600_000;

/**
 * The shortest wait after a response with Retry-After, even if the server asks for a shorter wait.
 */
const MIN_RETRY_AFTER_MS = 1000;

/**
 * The wait if the account or its token does not work. The wait is short, so that messages are sent
 * soon after a new login.
 */
export const CREDENTIALS_RETRY_MS: number = 5 * 60_000;

/**
 * The wait if a destination does not accept our messages. The attempts end when the entry expires.
 */
export const DESTINATION_RETRY_MS: number = 15 * 60_000;

/** The shortest wait for a busy destination. The wait grows with the number of attempts. */
export const BUSY_RETRY_MS: number = 60_000;

/** The shortest wait for a rate limit if the server does not say how long to wait. */
export const UNSTATED_LIMIT_MS = 5_000;

/**
 * The maximum length of a recorded text, in characters. Longer texts are cut, because the journal
 * limits the length of its lines.
 */
const MAX_REASON_CHARS = 500;
const MAX_ERRCODE_CHARS = 100;

/** The facts that {@linkcode planRetry} needs besides the failure. */
export interface RetryContext {
  /** The current time, in milliseconds since 1970. */
  readonly now: number;
  /** The number of consecutive failures of the channel before this failure. */
  readonly failures: number;
  /** The number of attempts to deliver the entry, including this attempt. */
  readonly attempts: number;
  /** A random number from 0 to 1. */
  readonly random: number;
}

/**
 * Returns the backoff (the growing wait between attempts), in milliseconds. The backoff starts at 1
 * s and doubles up to 5 min. Half of the backoff is random, so that many hosts do not try again at
 * the same time after an outage of their server. The other half is fixed, so that no host tries
 * again too early.
 *
 * @param failures the number of consecutive failures, at least 1
 * @param random a number from 0 to 1
 */
export function backoffMs(failures: number, random: number): number {
  const step = Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS * 2 ** Math.min(failures - 1, 30));
  return Math.max(MIN_BACKOFF_MS, Math.round(step / 2 + (step / 2) * random));
}

/** Returns the result of a failed attempt: the time of the next attempt, or a dead letter. */
export function planRetry(failure: Failure, { now, failures, attempts, random }: RetryContext): AttemptResult {
  const { status } = failure;
  const reason = firstChars(failure.reason, MAX_REASON_CHARS);
  const errcode = failure.errcode?.slice(0, MAX_ERRCODE_CHARS);
  if (failure.class === "rejected") return { state: "dead", reason, status, errcode };
  const deferred = { state: "failed", class: failure.class, reason, status, errcode } as const;
  const backoff = backoffMs(failures + 1, random);
  // Some servers start the wait again if a request arrives too early. Therefore use the whole wait
  // of a Retry-After header, up to MAX_SERVER_WAIT_MS.
  const retryAfter = failure.retryAfterMs === undefined
    ? 0
    : Math.min(MAX_SERVER_WAIT_MS, Math.max(MIN_RETRY_AFTER_MS, failure.retryAfterMs));
  switch (failure.class) {
    case "rate-limited": {
      const next = now + (retryAfter || Math.max(UNSTATED_LIMIT_MS, backoff));
      return { ...deferred, next, notBefore: next };
    }
    // `until` is the time when the channel can check if an earlier attempt delivered the message.
    case "unverified": {
      const next = failure.until ?? now;
      return { ...deferred, next, notBefore: next };
    }
    // A person must log in or fix the configuration, so a growing wait does not help.
    case "credentials":
      return { ...deferred, next: now + CREDENTIALS_RETRY_MS };
    // An administrator of the destination must allow our messages.
    case "destination":
      return { ...deferred, next: now + DESTINATION_RETRY_MS };
    // The server works, but the destination is busy. Therefore the backoff depends on the attempts
    // of this entry, not on the failures of the channel.
    case "destination-busy":
      return { ...deferred, next: now + Math.max(BUSY_RETRY_MS, backoffMs(attempts, random)) };
    // The server has a problem. The server may still process the request, so the next attempt waits
    // at least `gapMs`.
    case "not-sent":
    case "not-the-service":
    case "in-doubt": {
      const least = Math.max(failure.gapMs ?? 0, retryAfter);
      const next = now + Math.max(least, backoff);
      return least > 0 ? { ...deferred, next, notBefore: now + least } : { ...deferred, next };
    }
  }
}
