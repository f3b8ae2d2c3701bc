/** What an authorization server says when it refuses (RFC 6749, section 5.2; RFC 8628, section 3.5; RFC 7591, section 3.2.2). */

import { type Refusal, ResponseError } from "../../base/errors.ts";

/** A refusal in the words of OAuth 2.0. */
export interface OAuthRefusal extends Refusal {
  /** The error code: `invalid_grant`, `access_denied`. */
  readonly errcode: string;
}

/** The authorization server answered with an error of OAuth 2.0. */
export class OAuthError extends ResponseError {
  override name = "OAuthError" as const;
  override readonly errcode: string;
  /** What mends it, as a sentence without a full stop. */
  readonly hint?: string;

  constructor(message: string, refusal: OAuthRefusal, options?: ErrorOptions) {
    super(message, refusal, options);
    this.errcode = refusal.errcode;
    this.hint = Object.hasOwn(HINTS, refusal.errcode) ? HINTS[refusal.errcode] : undefined;
  }
}

const LOG_IN_AGAIN = "log in again: matrix-notify login";
const NO_DEVICE_CODES = "this homeserver lets no program log in with a device code; ask its administrator";

const HINTS: Readonly<Record<string, string>> = {
  access_denied: "log in again, and confirm it in the browser",
  expired_token: "log in again, and enter the code before its time is over",
  invalid_grant: LOG_IN_AGAIN,
  invalid_client: LOG_IN_AGAIN,
  invalid_client_metadata: "this homeserver wants programs to be registered by its administrator",
  unauthorized_client: NO_DEVICE_CODES,
  unsupported_grant_type: NO_DEVICE_CODES,
  invalid_scope: "this homeserver does not give access to its whole API; ask its administrator",
  temporarily_unavailable: "try again later",
  server_error: "try again later",
};
