/**
 * What a failure means: from an error to a failure class, by one function. It reads the class that
 * the kind's own code gave the error (for Matrix, matrix/errcodes.ts), the HTTP status, and how far
 * the request got. It never reads the text of a message: a room named "401" must not hold a queue.
 * retry.ts decides what follows from each class.
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

/**
 * What went wrong:
 *
 * - `not-sent`: nothing was sent: DNS, connection, TLS
 * - `in-doubt`: the message may have arrived: reset, timeout, 5xx
 * - `unverified`: it is too early to find out whether an earlier attempt arrived
 * - `rate-limited`: the server asks us to wait
 * - `credentials`: the account or its token does not work
 * - `destination`: the destination refuses us, or does not exist
 * - `destination-busy`: the destination takes nothing now
 * - `rejected`: the message can never be delivered
 * - `not-the-service`: something else answered: a captive portal, a proxy
 */
export type FailureClass = WaitClass | "rejected";

/** A classified failure. */
export interface Failure {
  readonly class: FailureClass;
  /** A sentence for people: what went wrong, and what fixes it. */
  readonly reason: string;
  readonly status?: number;
  readonly errcode?: string;
  /** How long the server asks us to wait, milliseconds. */
  readonly retryAfterMs?: number;
  /** When the channel can find out whether an earlier attempt arrived, milliseconds since 1970. */
  readonly until?: number;
  /**
   * How long not to retry, milliseconds, because the server may still be working on the request.
   */
  readonly gapMs?: number;
}

/** The gap after a timeout: the request may still be running. */
export const TIMEOUT_GAP_MS = 30_000;

/** The gap after a reset, a 5xx, or a deliverer that was killed in flight. */
export const RESET_GAP_MS = 2_000;

/** Classifies what an attempt threw. */
export function classify(error: unknown): Failure {
  const reason = formatReason(error);
  if (error instanceof NotSentError) return asNotSent(classify(error.cause));
  if (error instanceof TransportError) return { ...classifyTransport(error), reason };
  if (error instanceof NotTheServiceError) {
    const { status, retryAfterMs } = error;
    return { ...classifyGateway(status), reason, status, retryAfterMs };
  }
  if (error instanceof ResponseError) {
    const { status, errcode, retryAfterMs } = error;
    return { ...classifyResponse(error), reason, status, errcode, retryAfterMs };
  }
  if (error instanceof TooEarlyError) return { class: "unverified", reason, until: error.until };
  // The credentials cannot be read. A person must fix the configuration, as with a token that
  // stopped working.
  if (error instanceof ConfigError) return { class: "credentials", reason };
  if (error instanceof InvalidNotificationError) return { class: "rejected", reason };
  // Nothing was sent, and another process may have the permission.
  if (error instanceof PermissionError) return { class: "not-sent", reason };
  // The outcome of an unknown error is unknown, so that the careful class is right.
  return { class: "in-doubt", reason, gapMs: RESET_GAP_MS };
}

function formatReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof HintedError && error.hint ? `${error.message} (${error.hint})` : error.message;
}

/** Before the message is sent nothing is in doubt. */
function asNotSent(failure: Failure): Failure {
  return failure.class === "in-doubt" ? { ...failure, class: "not-sent", gapMs: undefined } : failure;
}

function classifyTransport({ phase }: TransportError): Pick<Failure, "class" | "gapMs"> {
  switch (phase) {
    case "connect":
      return { class: "not-sent" };
    case "exchange":
      return { class: "in-doubt", gapMs: RESET_GAP_MS };
    case "timeout":
      return { class: "in-doubt", gapMs: TIMEOUT_GAP_MS };
  }
}

/**
 * A response that is not the service's own: from a proxy, or from a captive portal. Its 429 and 413
 * count for the service. Its 5xx does not say whether the service behind it got the request.
 */
function classifyGateway(status: number): Pick<Failure, "class" | "gapMs"> {
  if (status === 429) return { class: "rate-limited" };
  if (status === 413) return { class: "rejected" };
  return status >= 500 ? { class: "in-doubt", gapMs: RESET_GAP_MS } : { class: "not-the-service" };
}

/** A response of the service. The class that its kind gave it wins over the status. */
function classifyResponse({ status, failureClass }: ResponseError): Pick<Failure, "class" | "gapMs"> {
  if (failureClass === "in-doubt") return { class: failureClass, gapMs: RESET_GAP_MS };
  if (failureClass !== undefined) return { class: failureClass };
  if (status === 429) return { class: "rate-limited" };
  if (status === 408 || status >= 500) return { class: "in-doubt", gapMs: RESET_GAP_MS };
  if (status === 401 || status === 403) return { class: "credentials" };
  if (status === 404) return { class: "destination" };
  if (status >= 400) return { class: "rejected" };
  return { class: "not-the-service" };
}
