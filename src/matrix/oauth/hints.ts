/** What mends a refusal of an authorization server, by its error code. */

const HINTS: Readonly<Record<string, string>> = {
  access_denied: "log in again, and confirm it in the browser",
  expired_token: "log in again, and enter the code before its time is over",
  invalid_grant: "log in again: matrix-notify login",
  invalid_client: "log in again: matrix-notify login",
  invalid_client_metadata: "this homeserver wants programs to be registered by its administrator",
  unauthorized_client: "this homeserver does not let programs log in with a device code; ask its administrator",
  unsupported_grant_type: "this homeserver does not let programs log in with a device code; ask its administrator",
  invalid_scope: "this homeserver does not give access to its whole API; ask its administrator",
  temporarily_unavailable: "try again later",
  server_error: "try again later",
};

/** The hint for an error code; undefined where there is nothing to say. */
export function hintFor(error: string): string | undefined {
  return Object.hasOwn(HINTS, error) ? HINTS[error] : undefined;
}
