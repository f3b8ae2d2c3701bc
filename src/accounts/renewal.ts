/**
 * Renewal of an account's tokens. One process renews the tokens for all processes of a host:
 *
 * ```text
 * lock -> read again: has another process renewed the tokens? If yes, use the new token
 *      -> refresh (or, after a soft logout, log in again on the same device)
 *      -> save, durably -> unlock -> use the new token for the first time
 * ```
 *
 * If the process is killed after the server's answer and before the save, the account's file still
 * contains the old refresh token. The old refresh token stays valid until the new access token is
 * used (Client-Server API, "Refreshing access tokens").
 *
 * If the answer to a refresh request is late, this program sends a second request. The server may
 * process the first request after the second one. Then the tokens from the second request may be
 * invalid. Therefore the previous refresh token is stored too.
 *
 * @module
 */

import { ResponseError } from "../base/errors.ts";
import type { MatrixClient, RenewOptions } from "../matrix/request.ts";
import { login, refreshTokens, type Tokens } from "../matrix/session.ts";
import { type Account, isTokenExpired, type SessionRuntime } from "./account.ts";
import { AccountStore, type LockedAccount, readModifiedTime, readPassword } from "./store.ts";

/** Options of {@linkcode renewAccount}. */
export interface Renewal {
  readonly stateDir: string;
  readonly userId: string;
  readonly userAgent: string;
  readonly runtime: SessionRuntime;
}

/**
 * Replaces an access token that the server refused, and saves the new token.
 *
 * @returns false if the login has ended and cannot be renewed
 * @throws the errors of a request, if the renewal failed but may succeed later
 * @throws {StorageError} if another process holds the account's lock until the timeout, or the disk
 * fails
 */
export async function renewAccount(renewal: Renewal, refused: string, options: RenewOptions): Promise<boolean> {
  const { stateDir, userId, runtime } = renewal;
  const store = new AccountStore(stateDir);
  return await store.withLock(userId, { runtime, ...options }, async (locked) => {
    const account = locked.read();
    if (account === undefined) return false;
    if (account.accessToken !== refused && !isTokenExpired(account, runtime.now())) return true;
    const renewed = await refresh(account, renewal, options) ?? await loginAgain(account, locked, { renewal, options });
    if (renewed !== undefined) locked.save(renewed);
    return renewed !== undefined;
  });
}

/**
 * Renews the tokens with the refresh token or, if the server refuses it, with the previous refresh
 * token. @returns undefined if the server refuses both tokens
 */
async function refresh(account: Account, renewal: Renewal, options: RenewOptions): Promise<Account | undefined> {
  const { refreshToken, previousRefreshToken } = account;
  for (const token of [refreshToken, previousRefreshToken]) {
    if (token === undefined) continue;
    const tokens = await unlessRefused(() => requestTokens(token, account, { renewal, options }));
    if (tokens !== undefined) return withTokens({ ...account, refreshToken: token }, tokens, renewal.runtime.now());
  }
  return undefined;
}

/**
 * Exchanges a refresh token for new tokens at the server that issued the refresh token. The source
 * code for OAuth 2.0 is loaded only for an account that uses OAuth 2.0.
 */
async function requestTokens(
  refreshToken: string,
  account: Account,
  { renewal, options }: { readonly renewal: Renewal; readonly options: RenewOptions },
): Promise<Tokens> {
  const { oauth } = account;
  if (oauth === undefined) return await refreshTokens(createClient(account, renewal), refreshToken, options);
  const { refreshOAuthTokens } = await import("../matrix/oauth/client.ts");
  const { timeoutMs, signal } = options;
  const { tokenEndpoint, clientId } = oauth;
  return await refreshOAuthTokens(renewal, { tokenEndpoint, clientId, refreshToken, timeoutMs, signal });
}

/**
 * Logs in again on the same device after a soft logout (the server has ended the session but kept
 * the device). A wrong password is not tried again, because servers lock accounts after several
 * wrong passwords.
 *
 * @returns undefined if the logout was not a soft logout, if there is no password file, or if the
 * server refuses the password
 */
async function loginAgain(
  account: Account,
  locked: LockedAccount,
  { renewal, options }: { readonly renewal: Renewal; readonly options: RenewOptions },
): Promise<Account | undefined> {
  const { passwordFile, deviceId, refusedPassword, userId } = account;
  if (!options.softLogout || passwordFile === undefined || deviceId === undefined) return undefined;
  const modified = readModifiedTime(passwordFile);
  if (modified === undefined || modified === refusedPassword) return undefined;
  const proof = { type: "m.login.password", user: userId, password: readPassword(passwordFile) } as const;
  const session = await unlessRefused(() => login(createClient(account, renewal), { proof, deviceId }, options));
  if (session?.userId === userId) return withTokens(account, session, renewal.runtime.now());
  locked.save({ ...account, refusedPassword: modified });
  return undefined;
}

/** Returns the account with new tokens. */
export function withTokens(account: Account, tokens: Tokens, now: number): Account {
  const { refreshToken, expiresAt: _, previousRefreshToken: __, refusedPassword: ___, ...kept } = account;
  const next = tokens.refreshToken ?? refreshToken;
  return {
    ...kept,
    accessToken: tokens.accessToken,
    ...(next === undefined ? {} : { refreshToken: next }),
    ...(tokens.expiresInMs === undefined ? {} : { expiresAt: now + tokens.expiresInMs }),
    ...(refreshToken === undefined || refreshToken === next ? {} : { previousRefreshToken: refreshToken }),
  };
}

/**
 * Runs a request for tokens.
 *
 * @returns undefined if the server refused the request
 * @throws every error that is not a refusal; the login may then still be valid
 */
async function unlessRefused<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await work();
  } catch (error) {
    const isRefusal = error instanceof ResponseError && error.status >= 400 && error.status < 500 &&
      error.status !== 408 && error.status !== 429;
    if (!isRefusal || isAboutAccount(error)) throw error;
    return undefined;
  }
}

/**
 * Returns true if the server refuses the whole account, for example because the account is locked.
 * Then the token or the password of the request may be right.
 */
function isAboutAccount({ failureClass, errcode }: ResponseError): boolean {
  return failureClass === "credentials" && errcode !== "M_UNKNOWN_TOKEN";
}

/**
 * Creates a client without an access token, because requests for tokens do not need an access
 * token.
 */
function createClient({ homeserver }: Account, { runtime, userAgent }: Renewal): MatrixClient {
  return { runtime, baseUrl: homeserver, userAgent };
}
