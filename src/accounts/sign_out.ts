/** Signing out: the server ends the session and its device first, then the account is forgotten here. */

import { MatrixError } from "../matrix/errors.ts";
import { logoutSession } from "../matrix/session.ts";
import { openSession, requireAccount, type SessionRuntime } from "./session.ts";
import { understood } from "./sign_in.ts";
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
  const { userId, stateDir, runtime, userAgent, timeoutMs, signal } = options;
  const { homeserver } = requireAccount(stateDir, userId);
  const credentials = openSession(stateDir, userId, userAgent).credentials(runtime);
  let wasAlive = true;
  try {
    await logoutSession({ runtime, baseUrl: homeserver, userAgent, credentials }, { timeoutMs, signal });
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    wasAlive = false;
    const isOver = error instanceof MatrixError && error.errcode === "M_UNKNOWN_TOKEN";
    if (!isOver) throw understood(`Cannot log ${userId} out`, error, runtime.now());
  }
  await new AccountStore(stateDir).exclusively(userId, { runtime, timeoutMs, signal }, (held) => held.remove());
  return wasAlive;
}
