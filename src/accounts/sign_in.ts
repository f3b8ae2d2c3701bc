/**
 * Login to an account. The steps are: find the homeserver, ask the homeserver which kinds of login
 * it offers, log in, and save the account before its token is used. A failed login is not tried
 * again, because servers lock accounts after several failures.
 *
 * @module
 */

import { formatDuration } from "../base/duration.ts";
import { hideSecrets } from "../base/secret.ts";
import { LoginError, NotSentError, NotTheServiceError, ResponseError, TransportError } from "../base/errors.ts";
import { whoami } from "../matrix/account.ts";
import { discoverHomeserver, type Homeserver, resolveHomeserver } from "../matrix/discovery.ts";
import { MatrixError } from "../matrix/errors.ts";
import { readAuthMetadata } from "../matrix/oauth/client.ts";
import type { MatrixClient, RequestOptions } from "../matrix/request.ts";
import { login, type LoginProof, type LoginSession, logout, readLoginFlows } from "../matrix/session.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Account, SessionRuntime } from "./account.ts";
import { withTokens } from "./renewal.ts";
import { AccountStore, deviceName, stableDeviceId } from "./store.ts";

/**
 * The timeout of each request. The timeout is long, because servers check passwords slowly on
 * purpose.
 */
export const LOGIN_TIMEOUT_MS = 30_000;

/** The user to log in, and the context of the login. */
export interface SignInContext {
  readonly userId: string;
  readonly stateDir: string;
  readonly runtime: SessionRuntime & Pick<Runtime, "uuid" | "hostname">;
  readonly userAgent: string;
  readonly signal?: AbortSignal;
}

/** The kinds of login that a homeserver offers. */
export interface LoginOffer {
  readonly homeserver: Homeserver;
  /**
   * The login types that `GET /login` lists, such as `m.login.password`. Empty if the homeserver
   * delegates its logins to an OAuth 2.0 server.
   */
  readonly flows: readonly string[];
  /**
   * True if the homeserver offers the login with a device code: a person confirms the login in a
   * browser on any device.
   */
  readonly deviceCode: boolean;
}

/**
 * Finds the user's homeserver, and the kinds of login that the homeserver offers.
 *
 * @param options.homeserver the address or the server name that a person entered for the homeserver
 * @throws {DiscoveryError} if the homeserver cannot be found
 * @throws {LoginError} if the homeserver does not answer
 */
export async function findLoginOffer(
  context: SignInContext,
  options: { readonly homeserver?: string; readonly insecureHttp?: boolean },
): Promise<LoginOffer> {
  const { runtime, userId, userAgent, signal } = context;
  const limits = { ...options, userAgent, timeoutMs: LOGIN_TIMEOUT_MS, signal };
  const homeserver = options.homeserver === undefined
    ? await discoverHomeserver(runtime, userId, limits)
    : await resolveHomeserver(runtime, options.homeserver, limits);
  const client = createClient(context, homeserver.baseUrl);
  const flows = await withLoginErrors(context, () => readLoginFlows(client, limits)).catch((error) => {
    if (error.cause instanceof MatrixError && error.cause.errcode === "M_UNRECOGNIZED") return [];
    throw error;
  });
  const deviceCode = await withLoginErrors(context, () => offersDeviceCode(client, limits));
  return { homeserver, flows, deviceCode };
}

/**
 * Returns true if the server offers the login with a device code. Also returns true if the server's
 * metadata is invalid. The login then starts, and fails with an error about the metadata.
 */
async function offersDeviceCode(client: MatrixClient, options: RequestOptions): Promise<boolean> {
  try {
    return (await readAuthMetadata(client, options))?.deviceAuthorizationEndpoint !== undefined;
  } catch (error) {
    if (error instanceof MatrixError) return false;
    if (error instanceof NotTheServiceError) return error.status === 200;
    throw error;
  }
}

/**
 * Logs in with a password, or with a token from a single sign-on. Uses the device id that is stored
 * in the state directory.
 *
 * @param options.passwordFile a file with the password, for later logins
 * @throws {LoginError} if the server refuses; a previously saved account is then unchanged
 */
export async function signInWithProof(
  context: SignInContext,
  proof: LoginProof,
  options: { readonly baseUrl: string; readonly passwordFile?: string },
): Promise<Account> {
  const { userId, stateDir, runtime, signal } = context;
  const { baseUrl, passwordFile } = options;
  const deviceId = stableDeviceId(stateDir, runtime);
  const client = createClient(context, baseUrl);
  return await saveLogin(context, async () => {
    const details = { proof, deviceId, deviceName: deviceName(runtime) };
    const limits = { timeoutMs: LOGIN_TIMEOUT_MS, signal };
    const session = await withLoginErrors(context, () => login(client, details, limits)).catch((error) => {
      throw hasErrcode(error, "M_FORBIDDEN") ? wrongProof(userId, proof, error) : error;
    });
    if (session.userId !== userId) throw await endOtherLogin(context, client, session);
    const account = { userId, homeserver: baseUrl, deviceId: session.deviceId ?? deviceId, accessToken: "" };
    return withTokens({ ...account, ...(passwordFile === undefined ? {} : { passwordFile }) }, session, runtime.now());
  });
}

/**
 * Logs in with an existing access token. Asks the server for the owner of the token.
 *
 * @throws {LoginError} if the server refuses the token, or the token belongs to another user
 */
export async function signInWithAccessToken(
  context: SignInContext,
  accessToken: string,
  { baseUrl }: { readonly baseUrl: string },
): Promise<Account> {
  const { userId, signal } = context;
  const client = { ...createClient(context, baseUrl), credentials: { accessToken: () => accessToken } };
  return await saveLogin(context, async () => {
    const limits = { timeoutMs: LOGIN_TIMEOUT_MS, signal };
    const owner = await withLoginErrors(context, () => whoami(client, limits)).catch((error) => {
      throw hasErrcode(error, "M_UNKNOWN_TOKEN") ? wrongToken(error) : error;
    });
    if (owner.userId !== userId) {
      throw new LoginError("refused", `Cannot log in as ${userId}: the access token belongs to ${owner.userId}`, {
        hint: `to use the account of this token, run: matrix-notify login ${owner.userId}`,
      });
    }
    return { homeserver: baseUrl, accessToken, ...owner };
  });
}

/**
 * Acquires the account's lock, runs a login, and saves the account. Other processes need the lock
 * to renew the old tokens, so they must wait until the login ends. If the lock cannot be acquired,
 * the login is not started.
 *
 * @throws the errors of the login; a previously saved account is then unchanged
 * @throws {StorageError} if the account cannot be saved
 */
export async function saveLogin(context: SignInContext, work: () => Promise<Account>): Promise<Account> {
  const { stateDir, userId, runtime, signal } = context;
  const store = new AccountStore(stateDir);
  return await store.withLock(userId, { runtime, timeoutMs: LOGIN_TIMEOUT_MS, signal }, async (locked) => {
    const account = await work();
    locked.save(account);
    return account;
  });
}

function hasErrcode(error: unknown, errcode: string): error is LoginError {
  return error instanceof LoginError && error.cause instanceof MatrixError && error.cause.errcode === errcode;
}

function wrongToken({ code, message, cause }: LoginError): LoginError {
  return new LoginError(code, message, {
    cause,
    hint: "check that the access token is complete, and that it was not logged out",
  });
}

function wrongProof(userId: string, { type }: LoginProof, cause: unknown): LoginError {
  const isPassword = type === "m.login.password";
  const state = isPassword ? "the user or the password is wrong" : "the login token is wrong or has expired";
  const remedy = isPassword ? "check the user id and the password" : "log in again to get a new token";
  return new LoginError("refused", `Cannot log in as ${userId}: ${state}`, {
    cause,
    hint: `${remedy}; do not try often, because servers block logins after several failures`,
  });
}

/** Ends the login of a wrong user (a user other than `userId`). @returns the error to report */
async function endOtherLogin(
  { userId, signal }: SignInContext,
  client: MatrixClient,
  session: LoginSession,
): Promise<LoginError> {
  const credentials = { accessToken: () => session.accessToken };
  try {
    await logout({ ...client, credentials }, { timeoutMs: LOGIN_TIMEOUT_MS, signal });
  } catch {
    if (signal?.aborted) throw signal.reason;
  }
  const other = hideSecrets(session.userId);
  return new LoginError("refused", `Cannot log in as ${userId}: the server logged in ${other} instead`, {
    hint: `log out in the browser and try again, or run: matrix-notify login ${other}`,
  });
}

/**
 * Runs a login request, and turns its errors into login errors.
 *
 * @throws {LoginError} instead of the errors of a request
 */
export async function withLoginErrors<Result>(
  { userId, runtime, signal }: SignInContext,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw toLoginError(`Cannot log in as ${userId}`, error, runtime.now());
  }
}

/**
 * Turns the error of a request into a {@linkcode LoginError}. Returns an error unchanged if it does
 * not come from a request.
 */
export function toLoginError(what: string, error: unknown, now: number): unknown {
  if (error instanceof NotSentError) return toLoginError(what, error.cause, now);
  if (error instanceof ResponseError && (error.status === 429 || error.failureClass === "rate-limited")) {
    const { retryAfterMs } = error;
    const until = retryAfterMs === undefined ? undefined : now + retryAfterMs;
    const wait = retryAfterMs === undefined ? "for some time" : `for ${formatDuration(retryAfterMs)}`;
    return new LoginError("rate-limited", `${what}: the server rejects further requests ${wait} (rate limit)`, {
      until,
      cause: error,
    });
  }
  if (error instanceof ResponseError && error.status < 500) {
    return new LoginError("refused", `${what}: ${error.message}`, { hint: error.hint, cause: error });
  }
  const isUnavailable = error instanceof ResponseError || error instanceof TransportError ||
    error instanceof NotTheServiceError;
  return isUnavailable ? new LoginError("unavailable", `${what}: ${error.message}`, { cause: error }) : error;
}

function createClient({ runtime, userAgent }: SignInContext, baseUrl: string): MatrixClient {
  return { runtime, baseUrl, userAgent };
}
