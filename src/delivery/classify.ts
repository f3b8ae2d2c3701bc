/**
 * Finds the failure class of an error: the kind of problem. The code of the channel may already
 * have set the class (Matrix: matrix/errors.ts). Otherwise, the class depends on the HTTP status
 * and the phase in which the request failed. The text of an error is never used, because it may
 * contain names: the room name "401" must not look like a wrong token. retry.ts uses the class to
 * plan the next attempt.
 *
 * @module
 */

import {
  ConfigError,
  DestinationError,
  formatError,
  InvalidNotificationError,
  NotSentError,
  NotTheServiceError,
  PermissionError,
  ResponseError,
  TooEarlyError,
  TransportError,
} from "../base/errors.ts";
import { printable } from "../base/printable.ts";
import { hideSecrets } from "../base/secret.ts";
import type { WaitClass } from "../queue/record.ts";

/**
 * The cause of a failed attempt:
 *
 * - `not-sent`: the message was not sent (a failure of DNS, connection or TLS)
 * - `in-doubt`: the message may have arrived (connection reset, timeout, HTTP status 5xx)
 * - `unverified`: it is too early to check whether the message of an earlier attempt arrived
 * - `rate-limited`: the server asks matrix-notify to wait
 * - `credentials`: the account or its token does not work
 * - `destination`: the destination does not exist, or does not accept our messages
 * - `destination-busy`: the destination does not accept messages at the moment
 * - `rejected`: the message can never be delivered
 * - `not-the-service`: another server answered, such as a captive portal or a proxy
 */
export type FailureClass = WaitClass | "rejected";

/** A classified failure. */
export interface Failure {
  readonly class: FailureClass;
  /** A sentence for the user that describes the problem and the fix. */
  readonly reason: string;
  readonly status?: number;
  readonly errcode?: string;
  /** The wait that the server asks for, in milliseconds. */
  readonly retryAfterMs?: number;
  /**
   * The earliest time to check whether the message of an earlier attempt arrived, in milliseconds
   * since 1970.
   */
  readonly until?: number;
  /**
   * The shortest wait before the next attempt, in milliseconds. Until then, the server may still
   * process the failed request.
   */
  readonly gapMs?: number;
}

/** The shortest wait after a timeout; see {@linkcode Failure.gapMs}. */
export const TIMEOUT_GAP_MS = 30_000;

/**
 * The shortest wait after a connection reset, after an HTTP status 5xx, and after an attempt whose
 * process was killed; see {@linkcode Failure.gapMs}.
 */
export const RESET_GAP_MS = 2_000;

/**
 * The longest wait that a proxy or a captive portal can ask for, in milliseconds. A proxy does not
 * know when the service behind the proxy works again.
 */
export const MAX_FOREIGN_WAIT_MS: number = 15 * 60_000;

/** Classifies the error of an attempt. */
export function classify(error: unknown): Failure {
  const reason = formatReason(error);
  if (error instanceof NotSentError) return asNotSent(classify(error.cause));
  if (error instanceof TransportError) return { ...classifyTransport(error), reason };
  if (error instanceof NotTheServiceError) {
    const { status, retryAfterMs: asked } = error;
    const retryAfterMs = asked === undefined ? undefined : Math.min(asked, MAX_FOREIGN_WAIT_MS);
    return { ...classifyGateway(status), reason, status, retryAfterMs };
  }
  if (error instanceof ResponseError) {
    const { status, errcode, retryAfterMs } = error;
    return { ...classifyResponse(error), reason, status, errcode: errcode && hideSecrets(errcode), retryAfterMs };
  }
  if (error instanceof TooEarlyError) return { class: "unverified", reason, until: error.until };
  // The credentials cannot be read. A person must fix the problem, as with an invalid token.
  if (error instanceof ConfigError) return { class: "credentials", reason };
  if (error instanceof DestinationError) return { class: "destination", reason };
  if (error instanceof InvalidNotificationError) return { class: "rejected", reason };
  // Deno denied access before the message was sent. Another process may have the missing
  // permission.
  if (error instanceof PermissionError) return { class: "not-sent", reason };
  // After an unknown error, the message may have arrived.
  return { class: "in-doubt", reason, gapMs: RESET_GAP_MS };
}

/**
 * Formats an error for the journal. Removes secrets and control characters, because the error may
 * come from a library.
 */
function formatReason(error: unknown): string {
  return printable(hideSecrets(formatError(error)));
}

/** Changes `in-doubt` to `not-sent`, because the error occurred before the message was sent. */
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
 * Classifies a response of a proxy or a captive portal. The HTTP statuses 429 and 413 are
 * classified as if the service itself had sent them. After a status 5xx, the service behind the
 * proxy may have received the request.
 */
function classifyGateway(status: number): Pick<Failure, "class" | "gapMs"> {
  if (status === 429) return { class: "rate-limited" };
  if (status === 413) return { class: "rejected" };
  return status >= 500 ? { class: "in-doubt", gapMs: RESET_GAP_MS } : { class: "not-the-service" };
}

/**
 * Classifies a response of the service. If the code of the channel already set a class, the HTTP
 * status is ignored.
 */
function classifyResponse({ status, failureClass }: ResponseError): Pick<Failure, "class" | "gapMs"> {
  if (failureClass === "in-doubt") return { class: failureClass, gapMs: RESET_GAP_MS };
  if (failureClass !== undefined) return { class: failureClass };
  if (status === 429) return { class: "rate-limited" };
  if (status === 408 || status >= 500) return { class: "in-doubt", gapMs: RESET_GAP_MS };
  // For known Matrix codes with status 403, `failureClass` is set above (matrix/errors.ts).
  if (status === 401 || status === 403) return { class: "credentials" };
  if (status === 404) return { class: "destination" };
  if (status >= 400) return { class: "rejected" };
  return { class: "not-the-service" };
}
