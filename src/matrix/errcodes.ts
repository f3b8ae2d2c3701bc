/**
 * The meaning of Matrix error codes (Client-Server API, "Standard error response", "Common error
 * codes"): the only place that maps an errcode to a failure class and to a hint.
 *
 * @module
 */

import type { ResponseClass } from "../base/errors.ts";

interface Meaning {
  readonly failureClass: ResponseClass;
  /** How to fix it, as a sentence without a full stop. */
  readonly hint?: string;
}

const MEANINGS: Readonly<Record<string, Meaning>> = {
  M_LIMIT_EXCEEDED: { failureClass: "rate-limited" },

  // The account has a problem: each of its requests would fail in the same way.
  M_UNKNOWN_TOKEN: {
    failureClass: "credentials",
    hint: "log in again (matrix-notify login @bot:example.org), or replace the access token",
  },
  M_MISSING_TOKEN: {
    failureClass: "credentials",
    hint: "something on the way removes the Authorization header: check the proxy in front of the homeserver",
  },
  M_USER_LOCKED: { failureClass: "credentials", hint: "ask the homeserver's administrator to unlock the account" },
  M_USER_SUSPENDED: {
    failureClass: "credentials",
    hint: "ask the homeserver's administrator to lift the suspension of the account",
  },
  M_USER_DEACTIVATED: { failureClass: "credentials", hint: "the account is gone for good: log in to another one" },
  M_CONSENT_NOT_GIVEN: {
    failureClass: "credentials",
    hint: "log in once with another client, and accept the homeserver's terms there",
  },
  M_RESOURCE_LIMIT_EXCEEDED: {
    failureClass: "credentials",
    hint: "the homeserver has reached a limit of its own: ask its administrator",
  },

  // The room does not accept it from this account.
  M_FORBIDDEN: { failureClass: "destination" },
  M_NOT_FOUND: { failureClass: "destination" },
  // Dendrite answers this for a room that it does not know.
  M_UNSUPPORTED_ROOM_VERSION: { failureClass: "destination" },
};

/**
 * Maps a refusal to a failure class.
 *
 * @param status the HTTP status
 * @returns undefined if the errcode has no fixed meaning: the status decides, as for every HTTP
 * service
 */
export function failureClassFor(status: number, errcode: string): ResponseClass | undefined {
  if (status === 429) return "rate-limited";
  const known = findMeaning(errcode)?.failureClass;
  if (known !== undefined) return known;
  // 413 means "too large" with every errcode: Dendrite answers M_BAD_JSON.
  return errcode === "M_UNRECOGNIZED" && status !== 413 ? "not-the-service" : undefined;
}

/** Finds how to fix what an errcode reports, as a sentence without a full stop. */
export function findHint(errcode: string): string | undefined {
  return findMeaning(errcode)?.hint;
}

function findMeaning(errcode: string): Meaning | undefined {
  return Object.hasOwn(MEANINGS, errcode) ? MEANINGS[errcode] : undefined;
}
