/**
 * What a failure means. One total function over the class that the kind's own code gave it, the HTTP status, and how far
 * the request got. The text of a message never counts: a room named "401" must not hold a queue.
 *
 * @module
 */

import {
  ConfigError,
  HintedError,
  InvalidNotificationError,
  NotSentError,
  NotTheServiceError,
  PermissionError,
  ResponseError,
  TooEarlyError,
  TransportError,
} from "../base/errors.ts";
import type { WaitClass } from "../queue/record.ts";

/** The classes of failure: what is waited for, and what no waiting mends. */
export type FailureClass = WaitClass | "rejected";

/** A failure, understood. */
export interface Failure {
  readonly class: FailureClass;
  /** For people: what went wrong. */
  readonly reason: string;
  readonly status?: number;
  readonly errcode?: string;
  /** What the server asked us to wait, milliseconds, unshortened. */
  readonly retryAfterMs?: number;
  /** When a doubt can be cleared, milliseconds since 1970. */
  readonly until?: number;
  /** How long the same envelope must rest: a server may look its memory up before the first request has finished. */
  readonly gapMs?: number;
}

/** After no answer in time the first request may still be under way. */
export const TIMEOUT_GAP_MS = 30_000;

/** After a reset, a 5xx, or a deliverer killed in flight. */
export const RESET_GAP_MS = 2_000;

/** Understands whatever was thrown by a try to deliver. */
export function classify(error: unknown): Failure {
  const reason = reasonOf(error);
  if (error instanceof NotSentError) return withoutDoubt(classify(error.cause));
  if (error instanceof TransportError) return { ...transport(error), reason };
  if (error instanceof NotTheServiceError) {
    const { status, retryAfterMs } = error;
    return { ...stranger(status), reason, status, retryAfterMs };
  }
  if (error instanceof ResponseError) {
    const { status, errcode, retryAfterMs } = error;
    return { ...response(error), reason, status, errcode, retryAfterMs };
  }
  if (error instanceof TooEarlyError) return { class: "unverified", reason, until: error.until };
  // The credentials cannot be read: the configuration must be mended, as with a dead token.
  if (error instanceof ConfigError) return { class: "credentials", reason };
  if (error instanceof InvalidNotificationError) return { class: "rejected", reason };
  // Nothing was sent, and another process may have the permission.
  if (error instanceof PermissionError) return { class: "not-sent", reason };
  // Nobody knows what happened, so that the careful class is the right one.
  return { class: "in-doubt", reason, gapMs: RESET_GAP_MS };
}

/** What went wrong, and what mends it, for people. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof HintedError && error.hint ? `${error.message} (${error.hint})` : error.message;
}

function withoutDoubt(failure: Failure): Failure {
  return failure.class === "in-doubt" ? { ...failure, class: "not-sent", gapMs: undefined } : failure;
}

function transport(error: TransportError): Pick<Failure, "class" | "gapMs"> {
  switch (error.phase) {
    case "connect":
      return { class: "not-sent" };
    case "exchange":
      return { class: "in-doubt", gapMs: RESET_GAP_MS };
    case "timeout":
      return { class: "in-doubt", gapMs: TIMEOUT_GAP_MS };
  }
}

/** A gateway's own page for 5xx says nothing about what became of the request behind it; for 429 and 413 it speaks for the service. */
function stranger(status: number): Pick<Failure, "class" | "gapMs"> {
  if (status === 429) return { class: "rate-limited" };
  if (status === 413) return { class: "rejected" };
  return status >= 500 ? { class: "in-doubt", gapMs: RESET_GAP_MS } : { class: "not-the-service" };
}

function response({ status, failureClass }: ResponseError): Pick<Failure, "class" | "gapMs"> {
  if (failureClass === "in-doubt") return { class: failureClass, gapMs: RESET_GAP_MS };
  if (failureClass !== undefined) return { class: failureClass };
  if (status === 429) return { class: "rate-limited" };
  if (status === 408 || status >= 500) return { class: "in-doubt", gapMs: RESET_GAP_MS };
  if (status === 401 || status === 403) return { class: "credentials" };
  if (status === 404) return { class: "destination" };
  if (status >= 400) return { class: "rejected" };
  return { class: "not-the-service" };
}
