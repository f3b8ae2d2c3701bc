/**
 * Renewing an account's tokens, once for all processes of a host:
 *
 * ```text
 * lock -> read again: has another process renewed them? then use its token
 *      -> refresh (or, after a soft logout, log in again on the same device)
 *      -> save, durably -> unlock -> use the new token for the first time
 * ```
 *
 * A process killed between the answer and the save leaves the old refresh token in the file. It
 * stays valid until the new access token is used (Client-Server API, "Refreshing access tokens").
 *
 * If an answer is late, and a second refresh overtakes it, the server may end the pair that is
 * saved. The previous refresh token is kept for this case.
 *
 * @module
 */

import { ResponseError } from "../base/errors.ts";
import type { MatrixClient, RenewOptions } from "../matrix/request.ts";
import { login, refreshTokens, type Tokens } from "../matrix/session.ts";
import { type Account, isTokenExpired, type SessionRuntime } from "./account.ts";
import { AccountStore, type LockedAccount, readModifiedTime, readPassword } from "./store.ts";

/** The account to renew, and the means. */
export interface Renewal {
  readonly stateDir: string;
  readonly userId: string;
  readonly userAgent: string;
  readonly runtime: SessionRuntime;
}

/**
 * Replaces an access token that was refused, and saves the new one.
 *
 * @returns false if the login is over and there is no other token
 * @throws the errors of a request, if it is unknown whether there is another token
 * @throws {StorageError} if the account's lock is not free in time, or the disk fails
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

/** @returns undefined if the server accepts no refresh token */
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
 * Exchanges a refresh token for new tokens at the server that issued it. The OAuth 2.0 code is
 * loaded late.
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
 * Logs in again on the same device after a soft logout. A wrong password is tried once: servers
 * count wrong tries, and lock accounts.
 *
 * @returns undefined if it was no soft logout, or there is no password that the server accepts
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

/** Replaces the tokens of an account. */
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
 * @returns undefined if the server refused; other errors say nothing about the login, and are
 * thrown
 */
async function unlessRefused<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await work();
  } catch (error) {
    const isRefusal = error instanceof ResponseError && error.status >= 400 && error.status < 500 &&
      error.status !== 408 && error.status !== 429;
    if (!isRefusal) throw error;
    return undefined;
  }
}

/** Requests for tokens carry no access token. */
function createClient({ homeserver }: Account, { runtime, userAgent }: Renewal): MatrixClient {
  return { runtime, baseUrl: homeserver, userAgent };
}
