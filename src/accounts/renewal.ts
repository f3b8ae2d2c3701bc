/**
 * Renewing a session, once for all processes of a host:
 *
 * ```text
 * lock -> read again: has another process renewed it? then its token is used
 *      -> refresh (or, after a soft logout, log in again on the same device)
 *      -> save, durably -> unlock -> the new token is used for the first time
 * ```
 *
 * Killed between the answer and the save, the file holds the old refresh token, which works until the new access token was used (Client-Server API,
 * "Refreshing access tokens"). Had an answer been late, and another refresh been faster, then the server ends the pair that was saved: the refresh token before
 * it is kept for that.
 *
 * @module
 */

import { ResponseError } from "../base/errors.ts";
import { login } from "../matrix/login.ts";
import type { MatrixClient, RenewOptions } from "../matrix/request.ts";
import { refreshSession, type Tokens } from "../matrix/session.ts";
import { type Account, isExpired, type SessionRuntime } from "./account.ts";
import { changedAt, readPassword } from "./password.ts";
import { AccountStore, type HeldAccount } from "./store.ts";

/** Whose session it is, and by which means it is renewed. */
export interface Renewal {
  readonly stateDir: string;
  readonly userId: string;
  readonly userAgent: string;
  readonly runtime: SessionRuntime;
}

/**
 * Gets another access token in the place of one that was refused, and saves it.
 *
 * @returns whether the account has another one; false when its session is over
 * @throws whatever a request throws, when nobody knows
 * @throws {StorageError} when the account's lock is not to be had, or the disk does not take the new tokens
 */
export async function renewAccount(renewal: Renewal, refused: string, options: RenewOptions): Promise<boolean> {
  const { stateDir, userId, runtime } = renewal;
  const store = new AccountStore(stateDir);
  return await store.exclusively(userId, { runtime, ...options }, async (held) => {
    const account = held.read();
    if (account === undefined) return false;
    if (account.accessToken !== refused && !isExpired(account, runtime.now())) return true;
    const renewed = await refresh(account, renewal, options) ?? await loginAgain(account, held, { renewal, options });
    if (renewed !== undefined) held.save(renewed);
    return renewed !== undefined;
  });
}

/** @returns undefined when there is no refresh token that the server takes */
async function refresh(account: Account, renewal: Renewal, options: RenewOptions): Promise<Account | undefined> {
  const { refreshToken, previousRefreshToken } = account;
  for (const token of [refreshToken, previousRefreshToken]) {
    if (token === undefined) continue;
    const tokens = await unlessRefused(() => trade(token, account, { renewal, options }));
    if (tokens !== undefined) return withTokens({ ...account, refreshToken: token }, tokens, renewal.runtime.now());
  }
  return undefined;
}

/** Trades a refresh token for new tokens, where it came from. What OAuth 2.0 takes is loaded by those who need it. */
async function trade(
  refreshToken: string,
  account: Account,
  { renewal, options }: { readonly renewal: Renewal; readonly options: RenewOptions },
): Promise<Tokens> {
  const { oauth } = account;
  if (oauth === undefined) return await refreshSession(clientOf(account, renewal), refreshToken, options);
  const { refreshTokens } = await import("../matrix/oauth/session.ts");
  const { timeoutMs, signal } = options;
  const { tokenEndpoint, clientId } = oauth;
  return await refreshTokens(renewal, { tokenEndpoint, clientId, refreshToken, timeoutMs, signal });
}

/**
 * A session that ended softly goes on with a login on the same device. A wrong password is tried once: servers count, and lock accounts.
 *
 * @returns undefined when that is not so, or there is no password that the server takes
 */
async function loginAgain(
  account: Account,
  held: HeldAccount,
  { renewal, options }: { readonly renewal: Renewal; readonly options: RenewOptions },
): Promise<Account | undefined> {
  const { passwordFile, deviceId, refusedPassword, userId } = account;
  if (!options.softLogout || passwordFile === undefined || deviceId === undefined) return undefined;
  const changed = changedAt(passwordFile);
  if (changed === undefined || changed === refusedPassword) return undefined;
  const proof = { type: "m.login.password", user: userId, password: readPassword(passwordFile) } as const;
  const session = await unlessRefused(() => login(clientOf(account, renewal), { proof, deviceId }, options));
  if (session?.userId === userId) return withTokens(account, session, renewal.runtime.now());
  held.save({ ...account, refusedPassword: changed });
  return undefined;
}

/** An account with new tokens in the place of its own. */
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

/** A refusal is an answer: this will not do. All else says nothing about the session. */
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

/** Tokens are asked for without one. */
function clientOf({ homeserver }: Account, { runtime, userAgent }: Renewal): MatrixClient {
  return { runtime, baseUrl: homeserver, userAgent };
}
