/**
 * From a failure to what is written down: how long to wait, who waits, and which part of the wait nobody may shorten.
 *
 * @module
 */

import type { AttemptResult } from "../queue/queue_types.ts";
import { backoffMs, MIN_BACKOFF_MS } from "./backoff.ts";
import type { Failure } from "./classify.ts";

/** An account in trouble is probed this often: a person must mend it, but nobody should have to tell us twice. */
export const ACCOUNT_PROBE_MS: number = 5 * 60_000;

/** A room that refuses us is asked again this often; its notifications expire at their own time. */
export const ROOM_PROBE_MS: number = 15 * 60_000;

/** A room that takes nothing now is asked again after so long, and then more and more slowly. */
export const BUSY_ROOM_MS: number = 60_000;

/** How long to wait at least for a server that limits us without saying for how long; backoff makes it longer. */
export const UNSTATED_LIMIT_MS = 5_000;

/** What the plan depends on. */
export interface PlanContext {
  readonly now: number;
  /** Failures of the account in a row before this one. */
  readonly failures: number;
  /** How often the entry was tried, this time included. */
  readonly attempts: number;
  /** A number from 0 to 1. */
  readonly random: number;
}

/** Decides what becomes of an attempt that failed. */
export function planFailure(failure: Failure, { now, failures, attempts, random }: PlanContext): AttemptResult {
  const { status } = failure;
  const reason = failure.reason.slice(0, MAX_REASON_CHARS);
  const errcode = failure.errcode?.slice(0, MAX_ERRCODE_CHARS);
  if (failure.class === "rejected") return { state: "dead", reason, status, errcode };
  const deferred = { state: "failed", class: failure.class, reason, status, errcode } as const;
  const backoff = backoffMs(failures + 1, random);
  // In full, and never shortened: asking again too early makes some servers start to count anew.
  const asked = failure.retryAfterMs === undefined ? 0 : Math.max(MIN_BACKOFF_MS, failure.retryAfterMs);
  switch (failure.class) {
    case "rate-limited": {
      const next = now + (asked || Math.max(UNSTATED_LIMIT_MS, backoff));
      return { ...deferred, next, notBefore: next };
    }
    case "unverified": {
      const next = failure.until ?? now;
      return { ...deferred, next, notBefore: next };
    }
    case "credentials":
      return { ...deferred, next: now + ACCOUNT_PROBE_MS };
    case "destination":
      return { ...deferred, next: now + ROOM_PROBE_MS };
    case "destination-busy":
      return { ...deferred, next: now + Math.max(BUSY_ROOM_MS, backoffMs(attempts, random)) };
    case "not-sent":
    case "not-the-service":
    case "in-doubt": {
      const least = Math.max(failure.gapMs ?? 0, asked);
      const next = now + Math.max(least, backoff);
      return least > 0 ? { ...deferred, next, notBefore: now + least } : { ...deferred, next };
    }
  }
}

/** What a server says is written down only so far: a line of the journal has its limit. */
const MAX_REASON_CHARS = 500;
const MAX_ERRCODE_CHARS = 100;
