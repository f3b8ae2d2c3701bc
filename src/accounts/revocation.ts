/** Ending a session of OAuth 2.0: there the Client-Server API has no logout. */

import type { OAuthClient, OAuthOptions } from "../matrix/oauth/ask.ts";
import { revokeToken } from "../matrix/oauth/session.ts";
import type { Account } from "./account.ts";

/**
 * Ends a session at its authorization server, and both of its tokens with it. Nothing happens where it came from elsewhere.
 *
 * @throws {OAuthError} when the server refuses
 * @throws whatever a request throws
 */
export async function revokeSession(account: Account, client: OAuthClient, options: OAuthOptions): Promise<void> {
  const { oauth, accessToken, refreshToken } = account;
  if (oauth === undefined) return;
  const { revocationEndpoint, clientId } = oauth;
  const token = refreshToken === undefined
    ? { token: accessToken, tokenType: "access_token" } as const
    : { token: refreshToken, tokenType: "refresh_token" } as const;
  await revokeToken(client, { revocationEndpoint, clientId, ...token, ...options });
}
