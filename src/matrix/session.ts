/** A session and its tokens (Client-Server API, "Client Authentication": "Refreshing access tokens", "Logout", "whoami"). */

import { isToken } from "../runtime/http.ts";
import { missingField } from "./errors.ts";
import { type MatrixClient, request } from "./request.ts";
import type { RoomOptions } from "./rooms.ts";

/** What a login or a refresh gives. */
export interface Tokens {
  readonly accessToken: string;
  /** Absent where the token does not expire, or where a refresh leaves the old one in force. */
  readonly refreshToken?: string;
  /** How long the access token lives, milliseconds from now; absent where it does not expire. */
  readonly expiresInMs?: number;
}

/** Whom a token speaks for. */
export interface Whoami {
  readonly userId: string;
  /** Absent for a token that an administrator made. */
  readonly deviceId?: string;
}

/**
 * Asks whom the token speaks for: `GET /account/whoami`.
 *
 * @throws whatever {@linkcode request} throws
 */
export async function whoami(client: MatrixClient, options: RoomOptions): Promise<Whoami> {
  const answer = await request(client, { method: "GET", path: ["account", "whoami"], ...options });
  if (typeof answer.user_id !== "string") throw missingField("user_id");
  return {
    userId: answer.user_id,
    ...(typeof answer.device_id === "string" ? { deviceId: answer.device_id } : {}),
  };
}

/**
 * Gets new tokens: `POST /refresh`. The old pair works until the new access token is used for the first time, so the new one must be kept safe before that.
 *
 * @throws whatever {@linkcode request} throws; M_UNKNOWN_TOKEN or M_FORBIDDEN when the session is over
 */
export async function refreshSession(
  client: MatrixClient,
  refreshToken: string,
  options: RoomOptions,
): Promise<Tokens> {
  const answer = await request(client, {
    method: "POST",
    path: ["refresh"],
    body: { refresh_token: refreshToken },
    ...options,
  });
  return readTokens(answer);
}

/**
 * Gives a device the name by which people see it in the list of their sessions: `PUT /devices/{deviceId}`.
 *
 * @throws whatever {@linkcode request} throws
 */
export async function nameDevice(
  client: MatrixClient,
  device: { readonly deviceId: string; readonly name: string },
  options: RoomOptions,
): Promise<void> {
  const { deviceId, name } = device;
  await request(client, { method: "PUT", path: ["devices", deviceId], body: { display_name: name }, ...options });
}

/**
 * Ends the session and its device: `POST /logout`.
 *
 * @throws whatever {@linkcode request} throws; M_UNKNOWN_TOKEN when it was over already
 */
export async function logoutSession(client: MatrixClient, options: RoomOptions): Promise<void> {
  await request(client, { method: "POST", path: ["logout"], body: {}, ...options });
}

/**
 * Reads the tokens out of the answer to a login or a refresh.
 *
 * @throws {NotTheServiceError} when they are not there
 */
export function readTokens(answer: Readonly<Record<string, unknown>>): Tokens {
  const { access_token, refresh_token, expires_in_ms } = answer;
  if (!isToken(access_token)) throw missingField("access_token");
  return {
    accessToken: access_token,
    ...(isToken(refresh_token) ? { refreshToken: refresh_token } : {}),
    ...(typeof expires_in_ms === "number" && expires_in_ms >= 0 ? { expiresInMs: expires_in_ms } : {}),
  };
}
