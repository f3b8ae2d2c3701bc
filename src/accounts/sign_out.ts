/** Signing out: the server ends the session and its device first, then the account is forgotten here. */

import { MatrixError } from "../matrix/errors.ts";
import { OAuthError } from "../matrix/oauth/errors.ts";
import { logoutSession } from "../matrix/session.ts";
import type { Account, SessionRuntime } from "./account.ts";
import { revokeSession } from "./revocation.ts";
import { openSession, requireAccount } from "./session.ts";
import { toLoginError } from "./sign_in.ts";
import { AccountStore } from "./store.ts";

/** Whose session ends, and by which means. */
export interface SignOut {
  readonly userId: string;
  readonly stateDir: string;
  readonly runtime: SessionRuntime;
  readonly userAgent: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/**
 * Ends a session.
 *
 * @returns whether the server had it still
 * @throws {LoginError} when the server could not be asked; then the account is there still
 * @throws {ConfigError} when nobody is logged in
 */
export async function signOut(options: SignOut): Promise<boolean> {
  const { userId, stateDir, runtime, signal } = options;
  const account = requireAccount(stateDir, userId);
  try {
    return account.oauth === undefined ? await logOut(account, options) : await revoke(options);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw toLoginError(`Cannot log ${userId} out`, error, runtime.now());
  }
}

/** The token may be over, and the session not: it is renewed for that, which takes the lock. */
async function logOut({ homeserver }: Account, options: SignOut): Promise<boolean> {
  const { userId, stateDir, runtime, userAgent } = options;
  const credentials = openSession(stateDir, userId, userAgent).credentials(runtime);
  const client = { runtime, baseUrl: homeserver, userAgent, credentials };
  const wasAlive = await wasThere(() => logoutSession(client, options));
  await new AccountStore(stateDir).exclusively(userId, options, (held) => held.remove());
  return wasAlive;
}

/** Nobody renews the session meanwhile, so that its last tokens are the ones that end. The server does not say whether they were good still. */
async function revoke(options: SignOut): Promise<boolean> {
  const { userId, stateDir } = options;
  return await new AccountStore(stateDir).exclusively(userId, options, async (held) => {
    const account = held.read();
    const wasAlive = account !== undefined && await wasThere(() => revokeSession(account, options, options));
    held.remove();
    return wasAlive;
  });
}

/** Whether the server ended the session just now; a refusal says that there is none. */
async function wasThere(end: () => Promise<void>): Promise<boolean> {
  try {
    await end();
    return true;
  } catch (error) {
    const isOver = error instanceof MatrixError
      ? error.errcode === "M_UNKNOWN_TOKEN"
      : error instanceof OAuthError && (error.errcode === "invalid_client" || error.errcode === "invalid_grant");
    if (!isOver) throw error;
    return false;
  }
}
