/**
 * An account as a channel uses it: read at the moment of use, so that a login is seen without a restart. What renews it is loaded when a token is over; on
 * the way of a send that finds it alive this file and `account.ts` are all there is.
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";
import type { Credentials } from "../matrix/request.ts";
import { type Account, isExpired, readAccount, type SessionRuntime } from "./account.ts";

/** An account that somebody logged in with, or will. */
export interface AccountSession {
  /**
   * The address of its homeserver.
   *
   * @throws {ConfigError} when nobody is logged in
   */
  homeserver(): string;
  /** Its tokens, for a client that speaks by this runtime. */
  credentials(runtime: SessionRuntime): Credentials;
}

/**
 * Uses an account of a state directory. Nothing is read yet.
 *
 * @param userAgent how requests name us to the server
 */
export function openSession(stateDir: string, userId: string, userAgent: string): AccountSession {
  const account = () => requireAccount(stateDir, userId);
  return {
    homeserver: () => account().homeserver,
    credentials: (runtime) => ({
      accessToken: () => account().accessToken,
      isExpired: () => isExpired(account(), runtime.now()),
      async renew(refused, options) {
        const { renewAccount } = await import("./renewal.ts");
        return await renewAccount({ stateDir, userId, userAgent, runtime }, refused, options);
      },
    }),
  };
}

/**
 * Reads an account that must be there.
 *
 * @throws {ConfigError} when nobody is logged in, or its file cannot be used
 */
export function requireAccount(stateDir: string, userId: string): Account {
  const account = readAccount(stateDir, userId);
  if (account !== undefined) return account;
  throw new ConfigError(`Cannot use the account ${userId}: nobody is logged in`, {
    hint: `run: matrix-notify login ${userId}`,
  });
}
