/**
 * Logging in by OAuth 2.0 device authorization (Client-Server API 1.18, "Device authorisation flow"): a person confirms it in a browser anywhere, and no password
 * comes near this host.
 *
 * @module
 */

import { LoginError, type LoginTrouble } from "../errors.ts";
import type { DeviceAuthorization } from "../matrix/oauth/device.ts";
import { requestDeviceCode } from "../matrix/oauth/device.ts";
import { OAuthError } from "../matrix/oauth/errors.ts";
import { type AuthMetadata, authMetadata } from "../matrix/oauth/metadata.ts";
import { pollDeviceToken } from "../matrix/oauth/poll.ts";
import { registerClient } from "../matrix/oauth/register.ts";
import { revokeToken } from "../matrix/oauth/session.ts";
import { whoami } from "../matrix/session.ts";
import type { Runtime } from "../runtime.ts";
import type { Account } from "./account.ts";

/** What the person at the browser needs to know. */
export type DevicePrompt = Pick<
  DeviceAuthorization,
  "userCode" | "verificationUri" | "verificationUriComplete" | "expiresAt"
>;

/** Who logs in where. */
export interface DeviceLoginOptions {
  readonly runtime: Pick<Runtime, "fetch" | "timeout" | "now" | "sleep">;
  /** The homeserver's address, without a trailing slash. */
  readonly homeserver: string;
  readonly userAgent: string;
  /** The device that the session will have. */
  readonly deviceId: string;
  /** Who is expected to log in; anybody by default. */
  readonly userId?: string;
  /** Tells the person what to do. */
  readonly show: (prompt: DevicePrompt) => void | Promise<void>;
  /** For each request, milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** The name and the page that the person sees when the login is to be confirmed: the same everywhere, as the specification wants it. */
const CLIENT = { clientName: "matrix-notify", clientUri: "https://matrix-notify.dev/" };

/**
 * Whether a homeserver lets people log in by device authorization.
 *
 * @throws whatever asking for its metadata throws
 */
export async function offersDeviceLogin(
  options: Pick<DeviceLoginOptions, "runtime" | "homeserver" | "userAgent" | "timeoutMs" | "signal">,
): Promise<boolean> {
  const { homeserver: baseUrl, runtime, userAgent } = options;
  return (await authMetadata({ runtime, baseUrl, userAgent }, options))?.deviceAuthorizationEndpoint !== undefined;
}

/**
 * Logs in. Nothing is saved.
 *
 * @throws {LoginError} when the server has no such login, the person refused or did not come, or somebody else confirmed it
 * @throws whatever a request throws
 */
export async function loginByDevice(options: DeviceLoginOptions): Promise<Account> {
  const { homeserver: baseUrl, runtime, userAgent } = options;
  const metadata = await authMetadata({ runtime, baseUrl, userAgent }, options);
  if (metadata?.deviceAuthorizationEndpoint === undefined) {
    const host = new URL(baseUrl).host;
    const state = metadata === undefined ? "has no login by OAuth 2.0" : "does not offer device authorization";
    throw new LoginError("unavailable", `Cannot log in with a device code: ${host} ${state}`, {
      hint: metadata === undefined ? "log in with a password" : "log in with an access token",
    });
  }
  try {
    return await confirmed(metadata, options);
  } catch (error) {
    throw error instanceof OAuthError ? loginError(error) : error;
  }
}

async function confirmed(metadata: AuthMetadata, options: DeviceLoginOptions): Promise<Account> {
  const { homeserver, deviceId, userId, show, runtime, userAgent, timeoutMs, signal } = options;
  const { registrationEndpoint, tokenEndpoint, revocationEndpoint, issuer } = metadata;
  const limits = { timeoutMs, signal };
  const clientId = await registerClient(options, { registrationEndpoint, ...CLIENT, ...limits });
  const authorization = await requestDeviceCode(options, { metadata, clientId, deviceId, ...limits });
  await show(authorization);
  const tokens = await pollDeviceToken(options, { tokenEndpoint, clientId, authorization, ...limits });
  const { accessToken, refreshToken, expiresInMs } = tokens;
  const expiresAt = expiresInMs === undefined ? undefined : runtime.now() + expiresInMs;
  const client = { runtime, userAgent, baseUrl: homeserver, credentials: { accessToken: () => accessToken } };
  const who = await whoami(client, limits);
  if (userId !== undefined && who.userId !== userId) {
    await revokeToken(options, {
      revocationEndpoint,
      clientId,
      token: refreshToken,
      tokenType: "refresh_token",
      ...limits,
    });
    throw new LoginError("refused", `Cannot log in as ${userId}: ${who.userId} confirmed it in the browser`, {
      hint: `sign out in the browser and log in there as ${userId}, or name ${who.userId} here`,
    });
  }
  return {
    ...who,
    homeserver,
    accessToken,
    refreshToken,
    ...(expiresAt === undefined ? {} : { expiresAt }),
    oauth: { issuer, clientId, tokenEndpoint, revocationEndpoint },
  };
}

const TROUBLES: Readonly<Record<string, LoginTrouble>> = {
  access_denied: "refused",
  expired_token: "expired",
  temporarily_unavailable: "limited",
};

function loginError(error: OAuthError): LoginError {
  const trouble = Object.hasOwn(TROUBLES, error.errcode) ? TROUBLES[error.errcode] : "unavailable";
  return new LoginError(trouble, error.message, { hint: error.hint, cause: error });
}
