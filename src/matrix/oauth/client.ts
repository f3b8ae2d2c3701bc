/**
 * Requests to the authorization server of a homeserver (the OAuth 2.0 server for its logins). This
 * file handles metadata, tokens and errors (Client-Server API 1.15, "OAuth 2.0 API"; RFC 6749, RFC
 * 7009, RFC 8414). These functions do not retry.
 *
 * @module
 */

import { NotTheServiceError, type Refusal, ResponseError } from "../../base/errors.ts";
import { parseJsonObject } from "../../base/fields.ts";
import { rememberSecret } from "../../base/secret.ts";
import { firstChars } from "../../base/printable.ts";
import { isLoopback, MAX_ADDRESS_CHARS } from "../../runtime/address.ts";
import { mayLeadTo, reachOf } from "../../runtime/networks.ts";
import {
  describeStatus,
  exchange,
  type HttpAnswer,
  isToken,
  isWord,
  MAX_SAID_CHARS,
  parseRetryAfter,
  readDuration,
} from "../../runtime/http.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { MatrixError } from "../errors.ts";
import { type MatrixClient, request, type RequestOptions } from "../request.ts";
import type { Tokens } from "../session.ts";

/** The name of the grant for logins with a device code (RFC 8628) in `grant_types_supported`. */
export const DEVICE_CODE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";

/**
 * The endpoints of an authorization server. Each address uses https, with one exception: if the
 * homeserver is on this machine, an address on this machine may use http.
 */
export interface AuthMetadata {
  readonly issuer: string;
  readonly tokenEndpoint: string;
  readonly registrationEndpoint: string;
  readonly revocationEndpoint: string;
  /**
   * The endpoint for device codes. Undefined if the server does not have this endpoint, which was
   * added in version 1.18 of the specification.
   */
  readonly deviceAuthorizationEndpoint: string | undefined;
}

/**
 * Asks a homeserver for its authorization server: `GET /_matrix/client/v1/auth_metadata` ("Server
 * metadata discovery"). The request does not need an access token. The answer may change, so
 * matrix-notify does not store the answer.
 *
 * @returns undefined if the homeserver has only the legacy API
 * @throws {NotTheServiceError} if the metadata is not valid
 * @throws the errors of {@linkcode request}
 */
export async function readAuthMetadata(
  client: MatrixClient,
  options: RequestOptions,
): Promise<AuthMetadata | undefined> {
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
  const metadata = parseMetadata(answer, new URL(client.baseUrl));
  await confirmByIssuer(client, metadata, { answer, ...options });
  return metadata;
}

function parseMetadata(answer: Readonly<Record<string, unknown>>, { host, hostname }: URL): AuthMetadata {
  const endpoint = (key: string) => {
    const problem = findEndpointProblem(answer[key], hostname);
    if (problem === undefined) return String(answer[key]);
    throw unusableMetadata(host, `${key} ${problem}`);
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

function unusableMetadata(host: string, state: string): NotTheServiceError {
  return new NotTheServiceError(`Cannot use the OAuth 2.0 metadata of ${host}: ${state}`, { status: 200 });
}

/** The keys of the endpoints that this program uses. */
const ENDPOINT_KEYS: readonly string[] = [
  ...["token_endpoint", "registration_endpoint", "revocation_endpoint", "device_authorization_endpoint"],
];

/**
 * Compares the metadata that the homeserver sent with the metadata of the issuer (the authorization
 * server; RFC 8414, section 3.3). A hostile homeserver could name a trusted issuer together with
 * hostile endpoints. Therefore the issuer must confirm each endpoint with another origin than its
 * own. If there is no such endpoint, this function does not send a request.
 *
 * @throws {NotTheServiceError} if the issuer does not confirm such an endpoint
 * @throws {TransportError} if the issuer did not answer
 */
async function confirmByIssuer(
  { baseUrl, runtime, userAgent }: MatrixClient,
  { issuer }: AuthMetadata,
  { answer, timeoutMs, signal }: RequestOptions & { readonly answer: Readonly<Record<string, unknown>> },
): Promise<void> {
  const { origin, pathname } = new URL(issuer);
  const foreign = ENDPOINT_KEYS.filter((key) =>
    answer[key] !== undefined && URL.parse(String(answer[key]))?.origin !== origin
  );
  if (foreign.length === 0) return;
  const path = pathname.replace(/\/$/, "");
  const headers = { "Accept": "application/json", "User-Agent": userAgent };
  for (
    const url of [
      `${origin}/.well-known/oauth-authorization-server${path}`,
      `${origin}${path}/.well-known/openid-configuration`,
    ]
  ) {
    const { status, text } = await exchange(runtime, { method: "GET", url, headers, timeoutMs, signal });
    const own = status === 200 ? parseJsonObject(text) : undefined;
    if (own?.issuer === issuer && foreign.every((key) => own[key] === answer[key])) return;
  }
  throw unusableMetadata(new URL(baseUrl).host, `the issuer ${issuer} does not confirm ${foreign.join(", ")}`);
}

/**
 * Checks the address of an endpoint. matrix-notify sends tokens to this address, so the connection
 * must be encrypted (RFC 6749, section 3.2). A server on the internet must not send an address of
 * this machine or of a private network.
 *
 * @param from the host name of the server that sent the address
 */
export function findEndpointProblem(value: unknown, from: string): string | undefined {
  if (value === undefined) return "is missing";
  const url = typeof value === "string" && value.length <= MAX_ADDRESS_CHARS ? URL.parse(value) : null;
  if (url === null) return "is not an address";
  if (url.username !== "" || url.password !== "") return "contains a user name or a password";
  if (url.hash !== "") return "has a fragment";
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url.hostname))) {
    return `begins with ${url.protocol}// instead of https://`;
  }
  if (mayLeadTo(from, url.hostname)) return undefined;
  return reachOf(url.hostname) === "loopback" ? "is an address of this machine" : "is an address of a private network";
}

/** The parts that a request to an authorization server needs. */
export interface OAuthClient {
  readonly runtime: Pick<Runtime, "fetch" | "timeout" | "now" | "sleep">;
  /** The `User-Agent` header of each request. */
  readonly userAgent: string;
}

/** A request to an authorization server. */
export interface OAuthRequest extends RequestOptions {
  /** The words after "Cannot" in error messages, such as `register this program`. */
  readonly task: string;
  readonly url: string;
  /** The body of the request as a form (`application/x-www-form-urlencoded`). */
  readonly form?: Readonly<Record<string, string>>;
  /** The body of the request as JSON, if the request does not have a form. */
  readonly json?: Readonly<Record<string, unknown>>;
}

/**
 * Sends a `POST` with a form or JSON to an authorization server.
 *
 * @returns the JSON object of the answer; an empty object if the body of the answer is empty
 * @throws {OAuthError} if the server refuses
 * @throws {NotTheServiceError} if the answer does not come from an authorization server
 * @throws {TransportError} if there was no answer
 */
export async function oauthRequest(client: OAuthClient, details: OAuthRequest): Promise<Record<string, unknown>> {
  const { task, url, form, json, timeoutMs, signal } = details;
  const answer = await exchange(client.runtime, {
    method: "POST",
    url,
    headers: {
      "Accept": "application/json",
      "User-Agent": client.userAgent,
      "Content-Type": form === undefined ? "application/json" : "application/x-www-form-urlencoded",
    },
    body: form === undefined ? JSON.stringify(json ?? {}) : new URLSearchParams(form).toString(),
    asksForSecrets: true,
    timeoutMs,
    signal,
  });
  const object = parseJsonObject(answer.text);
  if (answer.status === 200 || answer.status === 201) {
    if (object !== undefined || answer.text === "") return object ?? {};
  }
  const host = new URL(url).host;
  const { status } = answer;
  const retryAfterMs = parseRetryAfter(answer.headers.get("Retry-After"), client.runtime.now());
  if (object !== undefined && isWord(object.error)) {
    throw new OAuthError(`Cannot ${task}: ${describeRefusal(host, answer, object)}`, {
      errcode: object.error,
      status,
      retryAfterMs,
    });
  }
  const message = `Cannot ${task}: ${host} does not answer like an authorization server: ${describeStatus(status)}`;
  throw new NotTheServiceError(message, { status, retryAfterMs });
}

function describeRefusal(
  host: string,
  { status }: HttpAnswer,
  { error, error_description: description }: Record<string, unknown>,
): string {
  const text = typeof description === "string" && description !== ""
    ? `: ${firstChars(description, MAX_SAID_CHARS)}`
    : "";
  return `${host} answered ${describeStatus(status, String(error))}${text}`;
}

/** Creates the error for an answer with a missing or wrong field. */
export function unusableAnswer(task: string, url: string, state: string): NotTheServiceError {
  return new NotTheServiceError(`Cannot ${task}: the answer of ${new URL(url).host} ${state}`, { status: 200 });
}

/** The parts of an OAuth 2.0 error response. */
export interface OAuthRefusal extends Refusal {
  /** The error code, such as `invalid_grant`. */
  readonly errcode: string;
}

/**
 * The error for an OAuth 2.0 error response (RFC 6749, section 5.2; RFC 7591, section 3.2.2; RFC
 * 8628, section 3.5).
 */
export class OAuthError extends ResponseError {
  override name = "OAuthError" as const;
  override readonly errcode: string;

  constructor(message: string, refusal: OAuthRefusal, options?: ErrorOptions) {
    const hint = Object.hasOwn(HINTS, refusal.errcode) ? HINTS[refusal.errcode] : undefined;
    super(message, { ...refusal, hint }, options);
    this.errcode = refusal.errcode;
  }
}

const LOG_IN_AGAIN = "log in again: matrix-notify login";
const NO_DEVICE_CODES = "the homeserver does not offer login with a device code; ask its administrator";

const HINTS: Readonly<Record<string, string>> = {
  access_denied: "log in again, and confirm the login in the browser",
  expired_token: "log in again, and enter the code before it expires",
  invalid_grant: LOG_IN_AGAIN,
  invalid_client: LOG_IN_AGAIN,
  invalid_client_metadata: "the administrator of the homeserver must register this program",
  unauthorized_client: NO_DEVICE_CODES,
  unsupported_grant_type: NO_DEVICE_CODES,
  invalid_scope: "the homeserver does not allow access to its whole API; ask its administrator",
  temporarily_unavailable: "try again later",
  server_error: "try again later",
};

/** The facts about a request for tokens that {@linkcode parseTokens} needs. */
export interface TokenContext {
  readonly task: string;
  readonly url: string;
  /**
   * The requested scope (the rights of the login). Absent for a refresh, because a refresh does not
   * change the scope.
   */
  readonly scope?: string;
}

/**
 * Parses the answer of a token endpoint (RFC 6749, section 5.1).
 *
 * @throws {NotTheServiceError} if the bearer token is missing, or the granted scope is smaller than
 * the requested scope
 */
export function parseTokens(answer: Readonly<Record<string, unknown>>, { task, url, scope }: TokenContext): Tokens {
  const { access_token: accessToken, token_type: type, refresh_token: refreshToken, expires_in: seconds } = answer;
  if (!isToken(accessToken)) throw unusableAnswer(task, url, "has no access_token");
  if (typeof type !== "string" || type.toLowerCase() !== "bearer") {
    throw unusableAnswer(task, url, "has no bearer token");
  }
  const missing = scope === undefined ? undefined : findMissingScope(answer.scope, scope);
  if (missing !== undefined) throw unusableAnswer(task, url, `does not contain the scope ${missing}`);
  const expiresInMs = readDuration(seconds, 1000);
  return {
    accessToken: rememberSecret(accessToken),
    ...(isToken(refreshToken) ? { refreshToken: rememberSecret(refreshToken) } : {}),
    ...(expiresInMs === undefined ? {} : { expiresInMs }),
  };
}

/**
 * Finds a part of the requested scope that the server did not grant. If the answer does not contain
 * a scope, the server has granted the whole requested scope (RFC 6749, section 5.1).
 */
function findMissingScope(granted: unknown, requested: string): string | undefined {
  if (granted === undefined) return undefined;
  const tokens = typeof granted === "string" ? granted.split(" ") : [];
  return requested.split(" ").find((token) => !tokens.includes(token));
}

/** Options of {@linkcode refreshOAuthTokens}. */
export interface OAuthRefreshOptions extends RequestOptions {
  readonly tokenEndpoint: string;
  readonly clientId: string;
  readonly refreshToken: string;
}

/**
 * Exchanges a refresh token for new tokens ("Refresh token grant"). The old tokens stay valid until
 * a new token is used. Therefore the request can be sent again if the answer was lost.
 *
 * @returns the new tokens, without a refresh token if the old refresh token stays valid
 * @throws {OAuthError} if the server refuses. A refusal with a 4xx status is permanent, except 408
 * and 429
 * @throws {TransportError} if the server did not answer. In this case, try the old refresh token
 * again later
 */
export async function refreshOAuthTokens(client: OAuthClient, options: OAuthRefreshOptions): Promise<Tokens> {
  const { tokenEndpoint: url, clientId, refreshToken, timeoutMs, signal } = options;
  const task = "renew the session";
  const form = { grant_type: "refresh_token", refresh_token: rememberSecret(refreshToken), client_id: clientId };
  return parseTokens(await oauthRequest(client, { task, url, form, timeoutMs, signal }), { task, url });
}

/** Options of {@linkcode revokeOAuthToken}. */
export interface RevokeOptions extends RequestOptions {
  readonly revocationEndpoint: string;
  readonly clientId: string;
  readonly token: string;
  readonly tokenType: "access_token" | "refresh_token";
}

/**
 * Logs out: `POST` to the `revocation_endpoint` ("Token revocation"; RFC 7009). The server revokes
 * the access token and the refresh token, even if only one of the two tokens is sent. An invalid
 * token does not cause an error.
 *
 * @throws {OAuthError} if the server refuses
 */
export async function revokeOAuthToken(client: OAuthClient, options: RevokeOptions): Promise<void> {
  const { revocationEndpoint: url, clientId, token, tokenType, timeoutMs, signal } = options;
  const form = { token: rememberSecret(token), token_type_hint: tokenType, client_id: clientId };
  await oauthRequest(client, { task: "end the session", url, form, timeoutMs, signal });
}
