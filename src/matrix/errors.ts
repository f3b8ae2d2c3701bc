/**
 * Errors of a homeserver (Client-Server API, "Standard error response", "Common error codes"). Only
 * this file maps an errcode to a failure class (the kind of failure) and to a hint.
 *
 * @module
 */

import { NotTheServiceError, type Refusal, type ResponseClass, ResponseError } from "../base/errors.ts";

interface Meaning {
  readonly failureClass: ResponseClass;
  /** The way to fix the problem, as a sentence without a full stop. */
  readonly hint?: string;
}

const MEANINGS: Readonly<Record<string, Meaning>> = {
  M_LIMIT_EXCEEDED: { failureClass: "rate-limited" },

  // Problems of the account: every request of the account would fail with the same error.
  M_UNKNOWN_TOKEN: {
    failureClass: "credentials",
    hint: "log in again with matrix-notify login, or replace the access token",
  },
  M_MISSING_TOKEN: {
    failureClass: "credentials",
    hint: "the Authorization header did not arrive: check the proxy in front of the homeserver",
  },
  M_USER_LOCKED: { failureClass: "credentials", hint: "ask the homeserver's administrator to unlock the account" },
  M_USER_SUSPENDED: {
    failureClass: "credentials",
    hint: "ask the homeserver's administrator to unsuspend the account",
  },
  M_USER_DEACTIVATED: {
    failureClass: "credentials",
    hint: "the account is deactivated permanently: use another account",
  },
  M_CONSENT_NOT_GIVEN: {
    failureClass: "credentials",
    hint: "log in with another client, such as Element, and accept the terms of the homeserver there",
  },
  M_RESOURCE_LIMIT_EXCEEDED: {
    failureClass: "credentials",
    hint: "the homeserver has reached a limit of its configuration: ask its administrator",
  },

  // Problems of the room: the room does not accept messages from this account.
  M_FORBIDDEN: { failureClass: "destination" },
  M_NOT_FOUND: { failureClass: "destination" },
  // Dendrite sends this code if it does not know the room.
  M_UNSUPPORTED_ROOM_VERSION: { failureClass: "destination" },
};

/** The parts of a standard error response. */
export interface MatrixRefusal extends Refusal {
  readonly errcode: string;
  /**
   * True if the token has expired (M_UNKNOWN_TOKEN), but the device still exists. Servers that
   * delegate their logins to an OAuth 2.0 server omit this field. @default {false}
   */
  readonly softLogout?: boolean;
}

/**
 * The error for a standard error response of a homeserver. The errcode determines the failure class
 * and the hint.
 */
export class MatrixError extends ResponseError {
  override name = "MatrixError" as const;
  override readonly errcode: string;
  readonly softLogout: boolean;

  constructor(message: string, refusal: MatrixRefusal, options?: ErrorOptions) {
    const { status, errcode } = refusal;
    const { hint = meaningOf(errcode)?.hint, failureClass = failureClassFor(status, errcode) } = refusal;
    super(message, { ...refusal, hint, failureClass }, options);
    this.errcode = errcode;
    this.softLogout = refusal.softLogout ?? false;
  }
}

/** @returns undefined if the HTTP status determines the class */
function failureClassFor(status: number, errcode: string): ResponseClass | undefined {
  if (status === 429) return "rate-limited";
  const known = meaningOf(errcode)?.failureClass;
  if (known !== undefined) return known;
  // Status 413 means that the request is too large, even if the errcode is M_UNRECOGNIZED.
  return errcode === "M_UNRECOGNIZED" && status !== 413 ? "not-the-service" : undefined;
}

function meaningOf(errcode: string): Meaning | undefined {
  return Object.hasOwn(MEANINGS, errcode) ? MEANINGS[errcode] : undefined;
}

/**
 * Creates the error for an answer without a required field. matrix-notify assumes that such an
 * answer does not come from a homeserver.
 */
export function missingField(key: string): NotTheServiceError {
  return new NotTheServiceError(`The answer has no ${key}: it does not come from a homeserver`, { status: 200 });
}
