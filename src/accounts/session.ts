/**
 * The account that a channel uses. The account's file is read for each request, so a new login is
 * used without a restart. The code that renews tokens is loaded only after a token has expired. If
 * the token is valid, only this module and `account.ts` are loaded.
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";
import { quoteForShell } from "../base/shell_word.ts";
import type { Credentials } from "../matrix/request.ts";
import { type Account, isTokenExpired, readAccount, type SessionRuntime } from "./account.ts";

/** Access to an account. The account may not be logged in yet. */
export interface AccountSession {
  /**
   * Returns the address of the homeserver.
   *
   * @throws {ConfigError} if the account is not logged in
   */
  homeserver(): string;
  /**
   * Returns the addresses and the files that are needed to renew the tokens: the addresses of the
   * homeserver and the OAuth 2.0 server, and the path of the password file.
   *
   * @throws {ConfigError} if the account is not logged in
   */
  access(): { readonly urls: readonly string[]; readonly files: readonly string[] };
  /**
   * Returns functions that read and renew the account's access token. `runtime` provides the clock
   * and the network.
   */
  credentials(runtime: SessionRuntime): Credentials;
}

/**
 * Opens an account of a state directory. Does not read the account's file yet.
 *
 * @param userAgent the `User-Agent` header of requests
 */
export function openSession(stateDir: string, userId: string, userAgent: string): AccountSession {
  const account = () => requireAccount(stateDir, userId);
  return {
    homeserver: () => account().homeserver,
    access() {
      const { homeserver, oauth, passwordFile } = account();
      return {
        urls: [homeserver, ...oauth === undefined ? [] : [oauth.tokenEndpoint]],
        files: passwordFile === undefined ? [] : [passwordFile],
      };
    },
    credentials: (runtime) => ({
      accessToken: () => account().accessToken,
      isExpired: () => isTokenExpired(account(), runtime.now()),
      async renew(refused, options) {
        const { renewAccount } = await import("./renewal.ts");
        return await renewAccount({ stateDir, userId, userAgent, runtime }, refused, options);
      },
    }),
  };
}

/**
 * Reads an account that must exist.
 *
 * @throws {ConfigError} if the account is not logged in, or the account's file cannot be used
 */
export function requireAccount(stateDir: string, userId: string): Account {
  const account = readAccount(stateDir, userId);
  if (account !== undefined) return account;
  throw new ConfigError(`Cannot use the account ${userId}: it is not logged in`, {
    hint: `run: matrix-notify login ${quoteForShell(userId)}`,
  });
}
