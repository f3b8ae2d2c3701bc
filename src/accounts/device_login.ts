/**
 * Logging in by OAuth 2.0 device authorization (Client-Server API 1.18, "Device authorisation flow"): a person confirms it in a browser anywhere, and no password
 * comes near this host.
 *
 * @module
 */

import { LoginError, type LoginErrorCode } from "../base/errors.ts";
import type { OAuthOptions } from "../matrix/oauth/ask.ts";
import { type DeviceAuthorization, requestDeviceCode } from "../matrix/oauth/device.ts";
import { OAuthError } from "../matrix/oauth/errors.ts";
import { type AuthMetadata, authMetadata } from "../matrix/oauth/metadata.ts";
import { pollDeviceToken } from "../matrix/oauth/poll.ts";
import { registerClient } from "../matrix/oauth/register.ts";
import type { MatrixClient } from "../matrix/request.ts";
import { nameDevice, whoami } from "../matrix/session.ts";
import type { Account } from "./account.ts";
import { deviceName, stableDeviceId } from "./device.ts";
import { withTokens } from "./renewal.ts";
import { revokeSession } from "./revocation.ts";
import { attempt, LOGIN_TIMEOUT_MS, saveLogin, type SignIn } from "./sign_in.ts";

/** What the person at the browser needs to know. */
export type DevicePrompt = Pick<
  DeviceAuthorization,
  "userCode" | "verificationUri" | "verificationUriComplete" | "expiresAt"
>;

/** Where to log in, and how the person hears of it. */
export interface DeviceLoginOptions {
  /** The homeserver's address, without a trailing slash. */
  readonly baseUrl: string;
  /** Tells the person what to do. */
  readonly show: (prompt: DevicePrompt) => void | Promise<void>;
}

/** The name and the page that the person sees when the login is to be confirmed: the same everywhere, as the specification wants it. */
const CLIENT = { clientName: "matrix-notify", clientUri: "https://matrix-notify.dev/" };

/**
 * Logs in, on the device of the state directory, and saves the account. Until the person has confirmed it what was saved before is there still, and in use.
 *
 * @throws {LoginError} when the server has no such login, the person refused or did not come, or somebody else confirmed it
 */
export async function signInByDevice(signIn: SignIn, options: DeviceLoginOptions): Promise<Account> {
  const { userId, stateDir, runtime, userAgent, signal } = signIn;
  const limits = { timeoutMs: LOGIN_TIMEOUT_MS, signal };
  const deviceId = stableDeviceId(stateDir, runtime);
  return await attempt(signIn, async () => {
    const metadata = await metadataOf({ runtime, userAgent, baseUrl: options.baseUrl }, limits);
    const account = await confirmed(signIn, metadata, { ...options, deviceId }).catch((error) => {
      throw error instanceof OAuthError ? loginError(error) : error;
    });
    try {
      if (account.userId === userId) {
        await saveLogin(signIn, () => Promise.resolve(account));
        await nameOurDevice(account, signIn);
        return account;
      }
    } catch (error) {
      await revoke(account, signIn);
      throw error;
    }
    await revoke(account, signIn);
    throw new LoginError("refused", `Cannot log in as ${userId}: ${account.userId} confirmed it in the browser`, {
      hint: `log in there as ${userId}, or name ${account.userId} here`,
    });
  });
}

async function metadataOf(client: MatrixClient, limits: OAuthOptions): Promise<AuthMetadata> {
  const metadata = await authMetadata(client, limits);
  if (metadata?.deviceAuthorizationEndpoint !== undefined) return metadata;
  const state = metadata === undefined ? "has no login by OAuth 2.0" : "does not offer device authorization";
  throw new LoginError("unavailable", `Cannot log in with a code: ${new URL(client.baseUrl).host} ${state}`);
}

async function confirmed(
  { runtime, userAgent, signal }: SignIn,
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

const TROUBLES: Readonly<Record<string, LoginErrorCode>> = {
  access_denied: "refused",
  expired_token: "expired",
  temporarily_unavailable: "rate-limited",
};

function loginError(error: OAuthError): LoginError {
  const trouble = Object.hasOwn(TROUBLES, error.errcode) ? TROUBLES[error.errcode] : "unavailable";
  return new LoginError(trouble, error.message, { hint: error.hint, cause: error });
}

/** OAuth 2.0 has no names for devices. One without is a device all the same. */
async function nameOurDevice({ deviceId, homeserver, accessToken }: Account, signIn: SignIn): Promise<void> {
  const { runtime, userAgent, signal } = signIn;
  const client = { runtime, userAgent, baseUrl: homeserver, credentials: { accessToken: () => accessToken } };
  try {
    const name = deviceName(runtime);
    if (deviceId !== undefined) await nameDevice(client, { deviceId, name }, { timeoutMs: LOGIN_TIMEOUT_MS, signal });
  } catch {
    if (signal?.aborted) throw signal.reason;
  }
}

/** A session that nobody will use is ended, as well as that can be done. */
async function revoke(account: Account, { runtime, userAgent, signal }: SignIn): Promise<void> {
  try {
    await revokeSession(account, { runtime, userAgent }, { timeoutMs: LOGIN_TIMEOUT_MS, signal });
  } catch {
    if (signal?.aborted) throw signal.reason;
  }
}
