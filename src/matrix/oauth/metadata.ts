/**
 * What a homeserver says of its authorization server (Client-Server API 1.15, "Server metadata discovery"; RFC 8414).
 *
 * @module
 */

import { isLoopback } from "../../runtime/address.ts";
import { NotTheServiceError } from "../../base/errors.ts";
import { MatrixError } from "../errors.ts";
import { type MatrixClient, request } from "../request.ts";
import type { RoomOptions } from "../rooms.ts";

/** The grant of RFC 8628, as `grant_types_supported` names it. */
export const DEVICE_CODE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";

/** The endpoints of an authorization server. All of them are https, or on this host. */
export interface AuthMetadata {
  readonly issuer: string;
  readonly tokenEndpoint: string;
  readonly registrationEndpoint: string;
  readonly revocationEndpoint: string;
  /** Undefined where the server does not offer device authorization, which is newer (1.18) than the rest. */
  readonly deviceAuthorizationEndpoint: string | undefined;
}

/**
 * Asks a homeserver for its authorization server: `GET /_matrix/client/v1/auth_metadata`. It needs no access token. The answer may change with time, so
 * that nobody keeps it on disk.
 *
 * @returns undefined where accounts log in by the legacy API
 * @throws {NotTheServiceError} when the metadata cannot be used; the message says why
 * @throws whatever {@linkcode request} throws
 */
export async function authMetadata(client: MatrixClient, options: RoomOptions): Promise<AuthMetadata | undefined> {
  let answer;
  try {
    answer = await request(client, {
      method: "GET",
      api: "/_matrix/client/v1",
      path: ["auth_metadata"],
      ...options,
    });
  } catch (error) {
    if (error instanceof MatrixError && error.errcode === "M_UNRECOGNIZED") return undefined;
    throw error;
  }
  return parseMetadata(answer, new URL(client.baseUrl).host);
}

function parseMetadata(answer: Readonly<Record<string, unknown>>, host: string): AuthMetadata {
  const endpoint = (key: string) => {
    const problem = endpointProblem(answer[key]);
    if (problem === undefined) return String(answer[key]);
    throw new NotTheServiceError(`Cannot use the OAuth 2.0 metadata of ${host}: ${key} ${problem}`, { status: 200 });
  };
  const grants = Array.isArray(answer.grant_types_supported) ? answer.grant_types_supported : [];
  return {
    issuer: endpoint("issuer"),
    tokenEndpoint: endpoint("token_endpoint"),
    registrationEndpoint: endpoint("registration_endpoint"),
    revocationEndpoint: endpoint("revocation_endpoint"),
    deviceAuthorizationEndpoint: grants.includes(DEVICE_CODE_GRANT)
      ? endpoint("device_authorization_endpoint")
      : undefined,
  };
}

/** Tokens go to these addresses, so that each must be one that nobody can read along with (RFC 6749, section 3.2). */
function endpointProblem(value: unknown): string | undefined {
  if (value === undefined) return "is missing";
  const url = typeof value === "string" ? URL.parse(value) : null;
  if (url === null) return "is no address";
  if (url.username !== "" || url.password !== "") return "holds a user name or a password";
  if (url.hash !== "") return "has a fragment";
  if (url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname))) return undefined;
  return `begins with ${url.protocol}// instead of https://`;
}
