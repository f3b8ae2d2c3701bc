/**
 * Signing out: the server ends the login and its device first, then the account's file is removed.
 */

import { MatrixError } from "../matrix/errors.ts";
import { type OAuthClient, OAuthError, revokeOAuthToken } from "../matrix/oauth/client.ts";
import type { RequestOptions } from "../matrix/request.ts";
import { logout } from "../matrix/session.ts";
import type { Account, SessionRuntime } from "./account.ts";
import { openSession, requireAccount } from "./session.ts";
import { toLoginError } from "./sign_in.ts";
import { AccountStore } from "./store.ts";

/** The account to sign out, and the means. */
export interface SignOutOptions extends RequestOptions {
  readonly userId: string;
  readonly stateDir: string;
  readonly runtime: SessionRuntime;
  readonly userAgent: string;
}

/**
 * Signs out.
 *
 * @returns false if the login was over already
 * @throws {LoginError} if the server could not be asked; then the account's file is unchanged
 * @throws {ConfigError} if the account is not logged in
 */
export async function signOut(options: SignOutOptions): Promise<boolean> {
  const { userId, stateDir, runtime, signal } = options;
  const account = requireAccount(stateDir, userId);
  try {
    return account.oauth === undefined ? await logOut(account, options) : await revoke(options);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw toLoginError(`Cannot log ${userId} out`, error, runtime.now());
  }
}

/**
 * An expired token is renewed for the logout, which takes the account's lock. So it is not held
 * here.
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
 * The lock keeps other processes from renewing the tokens, so the ones that are revoked are the
 * last ones.
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

/** @returns false if the server says that the login was over already */
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
 * Ends a login at its OAuth 2.0 server, which ends both tokens: the Client-Server API has no logout
 * there. Does nothing for other accounts. The server does not say whether the token was still
 * valid.
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
