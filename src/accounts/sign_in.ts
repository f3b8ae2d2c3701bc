/**
 * Signing in: find the homeserver, ask which ways it offers, log in by one of them, and save the account before its token is used. One try each: servers count
 * wrong ones.
 *
 * @module
 */

import { parseServer } from "../runtime/address.ts";
import { formatDuration } from "../base/duration.ts";
import {
  BeforeSendingError,
  ConfigError,
  LoginError,
  NotTheServiceError,
  ResponseError,
  TransportError,
} from "../base/errors.ts";
import { discoverHomeserver, type Homeserver, verifyHomeserver } from "../matrix/discovery.ts";
import { MatrixError } from "../matrix/errors.ts";
import { login, loginFlows, type LoginProof, type Session } from "../matrix/login.ts";
import { authMetadata } from "../matrix/oauth/metadata.ts";
import type { MatrixClient } from "../matrix/request.ts";
import type { RoomOptions } from "../matrix/rooms.ts";
import { logoutSession, whoami } from "../matrix/session.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Account, SessionRuntime } from "./account.ts";
import { deviceName, stableDeviceId } from "./device.ts";
import { withTokens } from "./renewal.ts";
import { AccountStore } from "./store.ts";

/** For each request: passwords are hashed slowly on purpose. */
export const LOGIN_TIMEOUT_MS = 30_000;

/** Who signs in, and by which means. */
export interface SignIn {
  readonly userId: string;
  readonly stateDir: string;
  readonly runtime: SessionRuntime & Pick<Runtime, "uuid" | "hostname">;
  readonly userAgent: string;
  readonly signal?: AbortSignal;
}

/** What a homeserver offers. */
export interface LoginOffer {
  readonly homeserver: Homeserver;
  /** The types of the flows of `GET /login`; none where the server delegates its logins. */
  readonly flows: readonly string[];
  /** Whether a person can confirm a login in a browser elsewhere, by OAuth 2.0. */
  readonly deviceCode: boolean;
}

/**
 * Finds the user's homeserver, and asks how one can log in.
 *
 * @param options the homeserver's address, where a person named it
 * @throws {DiscoveryError} when there is no homeserver
 * @throws {LoginError} when it does not tell
 */
export async function askForLogins(
  signIn: SignIn,
  options: { readonly homeserver?: string; readonly insecureHttp?: boolean },
): Promise<LoginOffer> {
  const { runtime, userId, userAgent, signal } = signIn;
  const how = { ...options, userAgent, timeoutMs: LOGIN_TIMEOUT_MS, signal };
  const homeserver = options.homeserver === undefined
    ? await discoverHomeserver(runtime, userId, how)
    : await verifyHomeserver(runtime, addressOf(options.homeserver, how), how);
  const client = clientOf(signIn, homeserver.baseUrl);
  const flows = await attempt(signIn, () => loginFlows(client, how)).catch((error) => {
    if (error.cause instanceof MatrixError && error.cause.errcode === "M_UNRECOGNIZED") return [];
    throw error;
  });
  const deviceCode = await attempt(signIn, () => offersDeviceCode(client, how));
  return { homeserver, flows, deviceCode };
}

/** Metadata that cannot be used is an offer too: whoever takes it is told what is wrong. */
async function offersDeviceCode(client: MatrixClient, options: RoomOptions): Promise<boolean> {
  try {
    return (await authMetadata(client, options))?.deviceAuthorizationEndpoint !== undefined;
  } catch (error) {
    if (error instanceof MatrixError) return false;
    if (error instanceof NotTheServiceError) return error.status === 200;
    throw error;
  }
}

/**
 * Logs in with a password or a token of single sign-on, on the device of the state directory.
 *
 * @param options a file that holds the password, for later
 * @throws {LoginError} when the server does not let us in; then what was saved before is there still
 */
export async function signInWith(
  signIn: SignIn,
  proof: LoginProof,
  options: { readonly baseUrl: string; readonly passwordFile?: string },
): Promise<Account> {
  const { userId, stateDir, runtime, signal } = signIn;
  const { baseUrl, passwordFile } = options;
  const deviceId = stableDeviceId(stateDir, runtime);
  const client = clientOf(signIn, baseUrl);
  return await saveLogin(signIn, async () => {
    const asked = { proof, deviceId, deviceName: deviceName(runtime) };
    const session = await attempt(signIn, () => login(client, asked, { timeoutMs: LOGIN_TIMEOUT_MS, signal }))
      .catch((error) => {
        throw isForbidden(error) ? wrongProof(userId, proof, error) : error;
      });
    if (session.userId !== userId) throw await notThatUser(signIn, client, session);
    const account = { userId, homeserver: baseUrl, deviceId: session.deviceId ?? deviceId, accessToken: "" };
    return withTokens({ ...account, ...(passwordFile === undefined ? {} : { passwordFile }) }, session, runtime.now());
  });
}

/**
 * Takes an access token that somebody has already, after the server said whose it is.
 *
 * @throws {LoginError} when the server does not know it, or it is another user's
 */
export async function signInWithToken(
  signIn: SignIn,
  accessToken: string,
  { baseUrl }: { readonly baseUrl: string },
): Promise<Account> {
  const { userId, signal } = signIn;
  const client = { ...clientOf(signIn, baseUrl), credentials: { accessToken: () => accessToken } };
  return await saveLogin(signIn, async () => {
    const owner = await attempt(signIn, () => whoami(client, { timeoutMs: LOGIN_TIMEOUT_MS, signal }));
    if (owner.userId !== userId) {
      throw new LoginError("refused", `Cannot log in as ${userId}: the access token is that of ${owner.userId}`, {
        hint: `if that is right: matrix-notify login ${owner.userId}`,
      });
    }
    return { homeserver: baseUrl, accessToken, ...owner };
  });
}

/**
 * Saves what a login gave. Nobody renews the old session meanwhile; and where nothing could be saved, nobody logs in.
 *
 * @throws whatever the login throws; then what was saved before is there still
 * @throws {StorageError} when the account cannot be saved
 */
export async function saveLogin(signIn: SignIn, work: () => Promise<Account>): Promise<Account> {
  const { stateDir, userId, runtime, signal } = signIn;
  const store = new AccountStore(stateDir);
  return await store.exclusively(userId, { runtime, timeoutMs: LOGIN_TIMEOUT_MS, signal }, async (held) => {
    const account = await work();
    held.save(account);
    return account;
  });
}

function isForbidden(error: unknown): boolean {
  return error instanceof LoginError && error.cause instanceof MatrixError && error.cause.errcode === "M_FORBIDDEN";
}

function wrongProof(userId: string, { type }: LoginProof, cause: unknown): LoginError {
  const what = type === "m.login.password" ? "the password is wrong" : "the login token is wrong, or too old";
  return new LoginError("refused", `Cannot log in as ${userId}: ${what}`, {
    cause,
    hint: "it was tried once; servers count wrong tries, and stop taking any after a few",
  });
}

/** Another user's session is ended, since nobody would. */
async function notThatUser(signIn: SignIn, client: MatrixClient, session: Session): Promise<LoginError> {
  const credentials = { accessToken: () => session.accessToken };
  try {
    await logoutSession({ ...client, credentials }, { timeoutMs: LOGIN_TIMEOUT_MS, signal: signIn.signal });
  } catch {
    if (signIn.signal?.aborted) throw signIn.signal.reason;
  }
  return new LoginError("refused", `Cannot log in as ${signIn.userId}: the server logged ${session.userId} in`, {
    hint: "log in as that user, or log the other one out of the browser first",
  });
}

/**
 * Says what the failure of a request means for whoever signs in.
 *
 * @throws {LoginError} in the place of what a request throws
 */
export async function attempt<Result>(
  { userId, runtime, signal }: SignIn,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw toLoginError(`Cannot log in as ${userId}`, error, runtime.now());
  }
}

/** What went wrong at the server, as an error for people; anything else as it is. */
export function toLoginError(what: string, error: unknown, now: number): unknown {
  if (error instanceof BeforeSendingError) return toLoginError(what, error.cause, now);
  if (error instanceof ResponseError && (error.status === 429 || error.failureClass === "rate-limited")) {
    const { retryAfterMs } = error;
    const until = retryAfterMs === undefined ? undefined : now + retryAfterMs;
    const wait = retryAfterMs === undefined ? "for now" : `for ${formatDuration(retryAfterMs)}`;
    return new LoginError("rate-limited", `${what}: the server takes no more of that ${wait}`, { until, cause: error });
  }
  if (error instanceof ResponseError && error.status < 500) {
    return new LoginError("refused", `${what}: ${error.message}`, { cause: error });
  }
  const isAway = error instanceof ResponseError || error instanceof TransportError ||
    error instanceof NotTheServiceError;
  return isAway ? new LoginError("unavailable", `${what}: ${error.message}`, { cause: error }) : error;
}

function addressOf(text: string, { insecureHttp = false }: { readonly insecureHttp?: boolean }): string {
  const address = parseServer(text.replace(/\/+$/, ""), { insecureHttp });
  if ("baseUrl" in address) return address.baseUrl;
  throw new ConfigError(`Cannot use homeserver ${text}: ${address.problem}`, { hint: address.hint });
}

function clientOf({ runtime, userAgent }: SignIn, baseUrl: string): MatrixClient {
  return { runtime, baseUrl, userAgent };
}
