/**
 * Login with a device code (Client-Server API 1.18, "Device authorisation flow"). A person confirms
 * the login in a browser on any device. The password is not entered on this host.
 *
 * @module
 */

import { LoginError, type LoginErrorCode } from "../base/errors.ts";
import { setDeviceName, whoami } from "../matrix/account.ts";
import { type AuthMetadata, OAuthError, readAuthMetadata } from "../matrix/oauth/client.ts";
import {
  type DeviceAuthorization,
  pollDeviceToken,
  registerClient,
  requestDeviceCode,
} from "../matrix/oauth/device_flow.ts";
import type { MatrixClient, RequestOptions } from "../matrix/request.ts";
import type { Account } from "./account.ts";
import { withTokens } from "./renewal.ts";
import { LOGIN_TIMEOUT_MS, saveLogin, type SignInContext, withLoginErrors } from "./sign_in.ts";
import { revokeSession } from "./sign_out.ts";
import { deviceName, stableDeviceId } from "./store.ts";

/** The code and the web page with which a person confirms the login. */
export type DevicePrompt = Pick<
  DeviceAuthorization,
  "userCode" | "verificationUri" | "verificationUriComplete" | "expiresAt"
>;

/** Options of {@linkcode signInWithDeviceCode}. */
export interface DeviceLoginOptions {
  /** The address of the homeserver, without a trailing slash. */
  readonly baseUrl: string;
  /** Shows the person the code and the web page. */
  readonly show: (prompt: DevicePrompt) => void | Promise<void>;
}

/**
 * The name and the web page of this program. The person who logs in sees both. The specification
 * requires that all users of a program see the same name and page.
 */
const CLIENT = { clientName: "matrix-notify", clientUri: "https://matrix-notify.dev/" };

/**
 * Logs in with the device id that is stored in the state directory, and saves the account. A
 * previously saved account stays in use until the person has confirmed the new login.
 *
 * @throws {LoginError} if the server does not offer this login, if the person refused the login or
 * did not confirm it in time, or if another user confirmed the login
 */
export async function signInWithDeviceCode(context: SignInContext, options: DeviceLoginOptions): Promise<Account> {
  const { userId, stateDir, runtime, userAgent, signal } = context;
  const limits = { timeoutMs: LOGIN_TIMEOUT_MS, signal };
  const deviceId = stableDeviceId(stateDir, runtime);
  return await withLoginErrors(context, async () => {
    const metadata = await requireDeviceFlow({ runtime, userAgent, baseUrl: options.baseUrl }, limits);
    const account = await authorize(context, metadata, { ...options, deviceId }).catch((error) => {
      throw error instanceof OAuthError ? fromOAuthError(error) : error;
    });
    try {
      if (account.userId === userId) {
        await saveLogin(context, () => Promise.resolve(account));
        await nameDevice(account, context);
        return account;
      }
    } catch (error) {
      await revoke(account, context);
      throw error;
    }
    await revoke(account, context);
    throw new LoginError("refused", `Cannot log in as ${userId}: the browser was logged in as ${account.userId}`, {
      hint: `log in as ${userId} in the browser, or run: matrix-notify login ${account.userId}`,
    });
  });
}

async function requireDeviceFlow(client: MatrixClient, limits: RequestOptions): Promise<AuthMetadata> {
  const metadata = await readAuthMetadata(client, limits);
  if (metadata?.deviceAuthorizationEndpoint !== undefined) return metadata;
  const state = metadata === undefined ? "does not support OAuth 2.0" : "does not offer device authorization";
  throw new LoginError("unavailable", `Cannot log in with a code: ${new URL(client.baseUrl).host} ${state}`);
}

/**
 * Requests a code, shows it, and waits until a person has confirmed the login. @returns the account
 * of the user who confirmed the login
 */
async function authorize(
  { runtime, userAgent, signal }: SignInContext,
  metadata: AuthMetadata,
  { baseUrl, deviceId, show }: DeviceLoginOptions & { readonly deviceId: string },
): Promise<Account> {
  const { registrationEndpoint, tokenEndpoint, revocationEndpoint, issuer } = metadata;
  const client = { runtime, userAgent }, limits = { timeoutMs: LOGIN_TIMEOUT_MS, signal };
  const clientId = await registerClient(client, { registrationEndpoint, ...CLIENT, ...limits });
  const authorization = await requestDeviceCode(client, { metadata, clientId, deviceId, ...limits });
  await show(authorization);
  const tokens = await pollDeviceToken(client, { tokenEndpoint, clientId, authorization, ...limits });
  const now = runtime.now();
  const credentials = { accessToken: () => tokens.accessToken };
  const { userId } = await whoami({ ...client, baseUrl, credentials }, limits);
  const oauth = { issuer, clientId, tokenEndpoint, revocationEndpoint };
  return withTokens({ userId, homeserver: baseUrl, deviceId, accessToken: "", oauth }, tokens, now);
}

const CODES: Readonly<Record<string, LoginErrorCode>> = {
  access_denied: "refused",
  expired_token: "expired",
  temporarily_unavailable: "rate-limited",
};

function fromOAuthError(error: OAuthError): LoginError {
  const code = Object.hasOwn(CODES, error.errcode) ? CODES[error.errcode] : "unavailable";
  return new LoginError(code, error.message, { hint: error.hint, cause: error });
}

/**
 * Sets the name of the device after the login, because the requests of a login with OAuth 2.0
 * cannot contain the name. Ignores errors.
 */
async function nameDevice({ deviceId, homeserver, accessToken }: Account, context: SignInContext): Promise<void> {
  const { runtime, userAgent, signal } = context;
  const client = { runtime, userAgent, baseUrl: homeserver, credentials: { accessToken: () => accessToken } };
  const name = deviceName(runtime);
  try {
    if (deviceId !== undefined) {
      await setDeviceName(client, { deviceId, name }, { timeoutMs: LOGIN_TIMEOUT_MS, signal });
    }
  } catch {
    if (signal?.aborted) throw signal.reason;
  }
}

/** Ends a login that will not be used. Ignores errors. */
async function revoke(account: Account, { runtime, userAgent, signal }: SignInContext): Promise<void> {
  try {
    await revokeSession(account, { runtime, userAgent }, { timeoutMs: LOGIN_TIMEOUT_MS, signal });
  } catch {
    if (signal?.aborted) throw signal.reason;
  }
}
