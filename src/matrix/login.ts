/** Logging in (Client-Server API, "Login"). Logins by OAuth 2.0 are none of these: they come before the Client-Server API. */

import { missingField } from "./errors.ts";
import { type MatrixClient, request } from "./request.ts";
import type { RoomOptions } from "./rooms.ts";
import { readTokens, type Tokens } from "./session.ts";

/** How somebody proves who they are. */
export type LoginProof =
  | { readonly type: "m.login.password"; readonly user: string; readonly password: string }
  | { readonly type: "m.login.token"; readonly token: string };

/** A login. */
export interface LoginRequest {
  readonly proof: LoginProof;
  /** The device that is to be logged in. Its older tokens may end by it, and no second device comes into being. */
  readonly deviceId: string;
  /** How people see a device that is new, in the list of their sessions. @default the server's choice */
  readonly deviceName?: string;
}

/** A new session. */
export interface Session extends Tokens {
  readonly userId: string;
  readonly deviceId?: string;
}

/**
 * Asks which ways to log in the server offers: `GET /login`.
 *
 * @returns the types of its flows: `m.login.password`, `m.login.sso`
 * @throws whatever {@linkcode request} throws
 */
export async function loginFlows(client: MatrixClient, options: RoomOptions): Promise<readonly string[]> {
  const { flows } = await request(client, { method: "GET", path: ["login"], ...options });
  if (!Array.isArray(flows)) return [];
  return flows.flatMap((flow) => typeof flow?.type === "string" ? [flow.type] : []);
}

/**
 * Logs in: `POST /login`, with a refresh token where the server knows them.
 *
 * @throws whatever {@linkcode request} throws; M_FORBIDDEN when the proof is wrong, M_LIMIT_EXCEEDED after a few tries
 */
export async function login(client: MatrixClient, asked: LoginRequest, options: RoomOptions): Promise<Session> {
  const { proof, deviceId, deviceName } = asked;
  const identity = proof.type === "m.login.password"
    ? { type: proof.type, identifier: { type: "m.id.user", user: proof.user }, password: proof.password }
    : proof;
  const answer = await request(client, {
    method: "POST",
    path: ["login"],
    body: { ...identity, device_id: deviceId, initial_device_display_name: deviceName, refresh_token: true },
    ...options,
  });
  if (typeof answer.user_id !== "string") {
    throw missingField("user_id");
  }
  return {
    userId: answer.user_id,
    ...(typeof answer.device_id === "string" ? { deviceId: answer.device_id } : {}),
    ...readTokens(answer),
  };
}

/** The address at which a person logs in with a browser; it comes back to `redirectUrl` with a `loginToken` (`GET /login/sso/redirect`). */
export function ssoRedirectUrl(baseUrl: string, redirectUrl: string): string {
  return `${baseUrl}/_matrix/client/v3/login/sso/redirect?${new URLSearchParams({ redirectUrl })}`;
}
