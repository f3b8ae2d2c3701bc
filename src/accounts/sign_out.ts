/**
 * Logout of an account: the server ends the login and deletes the device of the login. Then the
 * account's file is removed.
 */

import { MatrixError } from "../matrix/errors.ts";
import { type OAuthClient, OAuthError, revokeOAuthToken } from "../matrix/oauth/client.ts";
import type { RequestOptions } from "../matrix/request.ts";
import { logout } from "../matrix/session.ts";
import type { Account, SessionRuntime } from "./account.ts";
import { openSession, requireAccount } from "./session.ts";
import { toLoginError } from "./sign_in.ts";
import { AccountStore } from "./store.ts";

/** Options of {@linkcode signOut}. */
export interface SignOutOptions extends RequestOptions {
  readonly userId: string;
  readonly stateDir: string;
  readonly runtime: SessionRuntime;
  readonly userAgent: string;
}

/**
 * Logs out, and removes the account's file.
 *
 * @returns false if the login had already ended
 * @throws {LoginError} if the server did not confirm the logout; the account's file is then
 * unchanged
 * @throws {ConfigError} if the account is not logged in
 */
export async function signOut(options: SignOutOptions): Promise<boolean> {
  const { userId, stateDir, runtime, signal } = options;
  const account = requireAccount(stateDir, userId);
  try {
    return account.oauth === undefined ? await logOut(account, options) : await revoke(options);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw toLoginError(`Cannot log out ${userId}`, error, runtime.now());
  }
}

/**
 * Logs out with the legacy API. The logout request may renew an expired token, and the renewal
 * acquires the account's lock. Therefore this function acquires the lock only after the logout, to
 * remove the file.
 */
async function logOut({ homeserver }: Account, options: SignOutOptions): Promise<boolean> {
  const { userId, stateDir, runtime, userAgent } = options;
  const credentials = openSession(stateDir, userId, userAgent).credentials(runtime);
  const client = { runtime, baseUrl: homeserver, userAgent, credentials };
  const wasLoggedIn = await endsLogin(() => logout(client, options));
  await new AccountStore(stateDir).withLock(userId, options, (locked) => locked.remove());
  return wasLoggedIn;
}

/**
 * Logs out at the OAuth 2.0 server. This process holds the account's lock during the logout. Other
 * processes cannot renew the tokens without the lock, so the revoked tokens are the newest tokens.
 */
async function revoke(options: SignOutOptions): Promise<boolean> {
  const { userId, stateDir } = options;
  return await new AccountStore(stateDir).withLock(userId, options, async (locked) => {
    const account = locked.read();
    const wasLoggedIn = account !== undefined && await endsLogin(() => revokeSession(account, options, options));
    locked.remove();
    return wasLoggedIn;
  });
}

/** Runs a logout. @returns false if the login had already ended */
async function endsLogin(end: () => Promise<void>): Promise<boolean> {
  try {
    await end();
    return true;
  } catch (error) {
    const wasOver = error instanceof MatrixError
      ? error.errcode === "M_UNKNOWN_TOKEN"
      : error instanceof OAuthError && (error.errcode === "invalid_client" || error.errcode === "invalid_grant");
    if (!wasOver) throw error;
    return false;
  }
}

/**
 * Ends a login at its OAuth 2.0 server, because the Client-Server API does not have a logout for
 * OAuth 2.0. The server revokes the access token and the refresh token. The answer does not show
 * whether the tokens were still valid. Does nothing for an account that uses the legacy API.
 *
 * @throws {OAuthError} if the server refuses
 * @throws the errors of a request
 */
export async function revokeSession(account: Account, client: OAuthClient, options: RequestOptions): Promise<void> {
  const { oauth, accessToken, refreshToken } = account;
  if (oauth === undefined) return;
  const { revocationEndpoint, clientId } = oauth;
  const token = refreshToken === undefined
    ? { token: accessToken, tokenType: "access_token" } as const
    : { token: refreshToken, tokenType: "refresh_token" } as const;
  const { timeoutMs, signal } = options;
  await revokeOAuthToken(client, { revocationEndpoint, clientId, ...token, timeoutMs, signal });
}
