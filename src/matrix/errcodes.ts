/**
 * The meaning of Matrix error codes (Client-Server API, "Standard error response", "Common error
 * codes"). Only this file maps an errcode to a failure class (the kind of failure) and to a hint.
 *
 * @module
 */

import type { ResponseClass } from "../base/errors.ts";

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

/**
 * Maps an error response to a failure class (the kind of failure).
 *
 * @param status the HTTP status
 * @returns undefined if the errcode does not determine the class; the caller then uses the HTTP
 * status
 */
export function failureClassFor(status: number, errcode: string): ResponseClass | undefined {
  if (status === 429) return "rate-limited";
  const known = findMeaning(errcode)?.failureClass;
  if (known !== undefined) return known;
  // Status 413 means that the request is too large, even if the errcode is M_UNRECOGNIZED. The
  // caller handles this status.
  return errcode === "M_UNRECOGNIZED" && status !== 413 ? "not-the-service" : undefined;
}

/**
 * Returns the way to fix the problem that an errcode reports, as a sentence without a full stop.
 */
export function findHint(errcode: string): string | undefined {
  return findMeaning(errcode)?.hint;
}

function findMeaning(errcode: string): Meaning | undefined {
  return Object.hasOwn(MEANINGS, errcode) ? MEANINGS[errcode] : undefined;
}
