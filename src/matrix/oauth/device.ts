/** The first half of device authorization: the codes (RFC 8628, sections 3.1 and 3.2). */

import { matrixScope } from "./scope.ts";
import { ask, type OAuthClient, type OAuthOptions, unusable } from "./ask.ts";
import { OAuthError } from "./errors.ts";
import type { AuthMetadata } from "./metadata.ts";

/** Who wants to log in. */
export interface DeviceCodeOptions extends OAuthOptions {
  readonly metadata: AuthMetadata;
  readonly clientId: string;
  /** The device that the session will have: letters, digits and `-._~`. Servers may refuse fewer than ten characters. */
  readonly deviceId: string;
}

/** A login that waits for a person. */
export interface DeviceAuthorization {
  /** Secret: it becomes the tokens. */
  readonly deviceCode: string;
  /** What the person enters. */
  readonly userCode: string;
  /** Where the person enters it. */
  readonly verificationUri: string;
  /** The same address with the code in it, for a QR code; absent when the server has none. */
  readonly verificationUriComplete?: string;
  /** What was asked for. */
  readonly scope: string;
  /** When the codes are over, milliseconds since 1970. */
  readonly expiresAt: number;
  /** How long to wait between two polls, in milliseconds. */
  readonly intervalMs: number;
}

const TASK = "get a device code";

/** What a server means that says nothing (RFC 8628, section 3.2). */
const DEFAULT_INTERVAL_SECONDS = 5;

/**
 * Asks for the codes: `POST` to the `device_authorization_endpoint`.
 *
 * @throws {OAuthError} when the server refuses, or does not offer device authorization (`unsupported_grant_type`)
 */
export async function requestDeviceCode(
  client: OAuthClient,
  options: DeviceCodeOptions,
): Promise<DeviceAuthorization> {
  const { metadata, clientId, deviceId, timeoutMs, signal } = options;
  const { deviceAuthorizationEndpoint: url, issuer } = metadata;
  if (url === undefined) {
    throw new OAuthError(`Cannot ${TASK}: ${new URL(issuer).host} does not offer device authorization`, {
      errcode: "unsupported_grant_type",
      status: 200,
    });
  }
  const scope = matrixScope(deviceId);
  const answer = await ask(client, { task: TASK, url, form: { client_id: clientId, scope }, timeoutMs, signal });
  const text = (key: string) => {
    const value = answer[key];
    if (typeof value === "string" && value !== "") return value;
    throw unusable(TASK, url, `holds no ${key}`);
  };
  const { expires_in: seconds, interval } = answer;
  if (typeof seconds !== "number" || !(seconds > 0)) throw unusable(TASK, url, "holds no expires_in");
  const complete = answer.verification_uri_complete;
  return {
    deviceCode: text("device_code"),
    userCode: text("user_code"),
    verificationUri: webPage(text("verification_uri"), url),
    ...(typeof complete === "string" ? { verificationUriComplete: webPage(complete, url) } : {}),
    scope,
    expiresAt: client.runtime.now() + seconds * 1000,
    intervalMs: (typeof interval === "number" && interval > 0 ? interval : DEFAULT_INTERVAL_SECONDS) * 1000,
  };
}

/** A person will open it, so that it must be what a browser opens. */
function webPage(uri: string, url: string): string {
  const scheme = URL.parse(uri)?.protocol;
  if (scheme === "https:" || scheme === "http:") return uri;
  throw unusable(TASK, url, "sends people to an address that is no web page");
}
