/**
 * From a failure to what is written down: how long to wait, who waits, and which part of the wait nobody may shorten.
 *
 * @module
 */

import type { AttemptResult } from "../queue/queue.ts";
import { backoffMs } from "./backoff.ts";
import type { Failure } from "./classify.ts";

/** An account in trouble is probed this often: a person must mend it, but nobody should have to tell us twice. */
export const ACCOUNT_PROBE_MS: number = 5 * 60_000;

/** A room that refuses us is asked again this often; its notifications expire at their own time. */
export const ROOM_PROBE_MS: number = 15 * 60_000;

/** How long to wait for a server that limits us without saying for how long. */
export const UNSTATED_LIMIT_MS = 5_000;

/** What the plan depends on. */
export interface PlanContext {
  readonly now: number;
  /** Failures of the account in a row before this one. */
  readonly failures: number;
  /** A number from 0 to 1. */
  readonly random: number;
}

/** Decides what becomes of an attempt that failed. */
export function planFailure(failure: Failure, { now, failures, random }: PlanContext): AttemptResult {
  const { reason, status, errcode } = failure;
  if (failure.class === "poison") return { state: "dead", reason, status, errcode };
  const deferred = { state: "failed", class: failure.class, reason, status, errcode } as const;
  switch (failure.class) {
    case "limited": {
      // In full, and never shortened: asking again too early makes some servers start to count anew.
      const next = now + (failure.retryAfterMs ?? UNSTATED_LIMIT_MS);
      return { ...deferred, next, notBefore: next };
    }
    case "doubt": {
      const next = failure.until ?? now;
      return { ...deferred, next, notBefore: next };
    }
    case "account":
      return { ...deferred, next: now + ACCOUNT_PROBE_MS };
    case "room":
      return { ...deferred, next: now + ROOM_PROBE_MS };
    case "not-sent":
    case "not-the-service":
    case "ambiguous": {
      const gapMs = failure.gapMs ?? 0;
      const next = now + Math.max(gapMs, backoffMs(failures + 1, random));
      return gapMs > 0 ? { ...deferred, next, notBefore: now + gapMs } : { ...deferred, next };
    }
  }
}
