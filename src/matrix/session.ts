/**
 * Login, logout and refresh of tokens with the legacy API (Client-Server API, "Legacy API":
 * "Login", "Refreshing access tokens", "Logout"). The code for OAuth 2.0 is in `oauth/`.
 *
 * @module
 */

import { rememberSecret } from "../base/secret.ts";
import { isToken, readDuration } from "../runtime/http.ts";
import { missingField } from "./errors.ts";
import { isDeviceId, isUserId } from "./ids.ts";
import { type MatrixClient, request, type RequestOptions } from "./request.ts";

/** The tokens that a login or a refresh returns. */
export interface Tokens {
  readonly accessToken: string;
  /**
   * The token with which a new access token is requested. Absent if the access token does not
   * expire. After a refresh, also absent if the old refresh token stays valid.
   */
  readonly refreshToken?: string;
  /** The lifetime of the access token, in milliseconds. Absent if the token does not expire. */
  readonly expiresInMs?: number;
}

/** The result of a login. */
export interface LoginSession extends Tokens {
  readonly userId: string;
  readonly deviceId?: string;
}

/**
 * The secret that proves the identity of a user at a login: a password, or the token of a single
 * sign-on.
 */
export type LoginProof =
  | { readonly type: "m.login.password"; readonly user: string; readonly password: string }
  | { readonly type: "m.login.token"; readonly token: string };

/** The details of a login. */
export interface LoginRequest {
  readonly proof: LoginProof;
  /**
   * The id of the device to log in. If the device already exists, the server may revoke the older
   * tokens of the device.
   */
  readonly deviceId: string;
  /**
   * The name of the device in the user's list of devices, if the device is new. @default the
   * server's choice
   */
  readonly deviceName?: string;
}

/**
 * Asks the server which kinds of login it offers: `GET /login`.
 *
 * @returns the types of the login flows, such as `m.login.password` and `m.login.sso`
 * @throws the errors of {@linkcode request}
 */
export async function readLoginFlows(client: MatrixClient, options: RequestOptions): Promise<readonly string[]> {
  const { flows } = await request(client, { method: "GET", path: ["login"], ...options });
  if (!Array.isArray(flows)) return [];
  return flows.flatMap((flow) => typeof flow?.type === "string" ? [flow.type] : []);
}

/**
 * Logs in: `POST /login`. Also asks for a refresh token, but some servers do not return a refresh
 * token.
 *
 * @throws the errors of {@linkcode request}; M_FORBIDDEN if the proof is wrong, M_LIMIT_EXCEEDED
 * after too many attempts
 */
export async function login(
  client: MatrixClient,
  { proof, deviceId, deviceName }: LoginRequest,
  options: RequestOptions,
): Promise<LoginSession> {
  const identity = proof.type === "m.login.password"
    ? { type: proof.type, identifier: { type: "m.id.user", user: proof.user }, password: proof.password }
    : proof;
  rememberSecret(proof.type === "m.login.password" ? proof.password : proof.token);
  const answer = await request(client, {
    method: "POST",
    path: ["login"],
    body: { ...identity, device_id: deviceId, initial_device_display_name: deviceName, refresh_token: true },
    asksForSecrets: true,
    ...options,
  });
  if (!isUserId(answer.user_id)) throw missingField("user_id");
  const tokens = parseTokens(answer);
  return {
    userId: answer.user_id,
    ...(isDeviceId(answer.device_id) ? { deviceId: answer.device_id } : {}),
    ...tokens,
  };
}

/**
 * Builds the URL that a person opens in a browser to log in: `GET /login/sso/redirect`. After the
 * login, the browser opens `redirectUrl` with a `loginToken`.
 */
export function ssoRedirectUrl(baseUrl: string, redirectUrl: string): string {
  return `${baseUrl}/_matrix/client/v3/login/sso/redirect?${new URLSearchParams({ redirectUrl })}`;
}

/**
 * Requests new tokens: `POST /refresh`. The old tokens stay valid until the new access token is
 * used for the first time. Therefore the new tokens must be stored before their first use.
 *
 * @throws the errors of {@linkcode request}; M_UNKNOWN_TOKEN or M_FORBIDDEN if the login has ended
 */
export async function refreshTokens(
  client: MatrixClient,
  refreshToken: string,
  options: RequestOptions,
): Promise<Tokens> {
  const answer = await request(client, {
    method: "POST",
    path: ["refresh"],
    body: { refresh_token: rememberSecret(refreshToken) },
    asksForSecrets: true,
    ...options,
  });
  return parseTokens(answer);
}

/**
 * Logs out: `POST /logout`. The server then deletes the device.
 *
 * @throws the errors of {@linkcode request}; M_UNKNOWN_TOKEN if the login had already ended
 */
export async function logout(client: MatrixClient, options: RequestOptions): Promise<void> {
  await request(client, { method: "POST", path: ["logout"], body: {}, ...options });
}

function parseTokens(answer: Readonly<Record<string, unknown>>): Tokens {
  const { access_token, refresh_token, expires_in_ms } = answer;
  if (!isToken(access_token)) throw missingField("access_token");
  const expiresInMs = readDuration(expires_in_ms, 1);
  return {
    accessToken: rememberSecret(access_token),
    ...(isToken(refresh_token) ? { refreshToken: rememberSecret(refresh_token) } : {}),
    ...(expiresInMs === undefined ? {} : { expiresInMs }),
  };
}
