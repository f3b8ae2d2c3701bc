/** A session that lives: renewing and ending it (Client-Server API 1.15, "Refresh token grant", "Token revocation"; RFC 7009). */

import type { Tokens } from "../session.ts";
import { ask, type OAuthClient, type OAuthOptions } from "./ask.ts";
import { parseTokens } from "./tokens.ts";

/** A session's right to new tokens. */
export interface RefreshOptions extends OAuthOptions {
  readonly tokenEndpoint: string;
  readonly clientId: string;
  readonly refreshToken: string;
}

/**
 * Trades a refresh token for new tokens. The server keeps the old pair good until the new one is used, so that an answer that was lost can be asked for once more.
 *
 * @returns the new access token; without a refresh token when the old one stays good
 * @throws {OAuthError} when the server refuses: for good with a 4xx that is not about load
 * @throws {TransportError} when nothing answered: the old refresh token is to be tried again later
 */
export async function refreshTokens(client: OAuthClient, options: RefreshOptions): Promise<Tokens> {
  const { tokenEndpoint: url, clientId, refreshToken, timeoutMs, signal } = options;
  const task = "renew the session";
  const form = { grant_type: "refresh_token", refresh_token: refreshToken, client_id: clientId };
  return parseTokens(await ask(client, { task, url, form, timeoutMs, signal }), { task, url });
}

/** What to end. */
export interface RevokeOptions extends OAuthOptions {
  readonly revocationEndpoint: string;
  readonly clientId: string;
  readonly token: string;
  readonly tokenType: "access_token" | "refresh_token";
}

/**
 * Ends a session: `POST` to the `revocation_endpoint`. Whichever token is given, the other one ends with it. One that is over already is no error.
 *
 * @throws {OAuthError} when the server refuses
 */
export async function revokeToken(client: OAuthClient, options: RevokeOptions): Promise<void> {
  const { revocationEndpoint: url, clientId, token, tokenType, timeoutMs, signal } = options;
  const form = { token, token_type_hint: tokenType, client_id: clientId };
  await ask(client, { task: "end the session", url, form, timeoutMs, signal });
}
