/**
 * Login by device authorization (Client-Server API 1.18, "Device authorisation flow"; RFC 8628).
 * The login has three steps. matrix-notify registers itself, and requests a code. Then it asks the
 * server repeatedly until a person has entered the code in a browser.
 *
 * @module
 */

import { NotTheServiceError, TransportError } from "../../base/errors.ts";
import { hideSecrets, rememberSecret } from "../../base/secret.ts";
import { isWord, readDuration } from "../../runtime/http.ts";
import type { RequestOptions } from "../request.ts";
import type { Tokens } from "../session.ts";
import {
  type AuthMetadata,
  DEVICE_CODE_GRANT,
  findEndpointProblem,
  type OAuthClient,
  OAuthError,
  oauthRequest,
  parseTokens,
  unusableAnswer,
} from "./client.ts";

/** Options of {@linkcode registerClient}. */
export interface RegisterOptions extends RequestOptions {
  readonly registrationEndpoint: string;
  /** The name that people see when they confirm the login. */
  readonly clientName: string;
  /**
   * The https address of a web page about the program. The address is the same for all users of the
   * program.
   */
  readonly clientUri: string;
}

const REGISTER = "register this program";

/**
 * Registers this program as a native public client (an installed program without a secret): `POST`
 * to the `registration_endpoint` (RFC 7591; Client-Server API 1.15, "Client registration"). The
 * specification requires a registration at the start of each login. The specification also requires
 * that the client_id is stored with the tokens.
 *
 * @returns the client_id
 * @throws {OAuthError} if the server refuses the registration
 */
export async function registerClient(client: OAuthClient, options: RegisterOptions): Promise<string> {
  const { registrationEndpoint: url, clientName, clientUri, timeoutMs, signal } = options;
  const answer = await oauthRequest(client, {
    task: REGISTER,
    url,
    json: {
      client_name: clientName,
      client_uri: clientUri,
      application_type: "native",
      grant_types: [DEVICE_CODE_GRANT, "refresh_token"],
      // The list is empty, because the default, "code", belongs to a kind of login that we do not
      // use (RFC 7591, section 2.1).
      response_types: [],
      token_endpoint_auth_method: "none",
    },
    timeoutMs,
    signal,
  });
  const { client_id: clientId, token_endpoint_auth_method: method = "none", grant_types: grants } = answer;
  if (!isCode(clientId)) throw unusableAnswer(REGISTER, url, "has no client_id");
  if (method !== "none") {
    const name = isWord(method) ? ` ${method}` : "";
    const state = `requires the client authentication${name}, but this program does not have a secret`;
    throw unusableAnswer(REGISTER, url, state);
  }
  if (Array.isArray(grants) && !grants.includes(DEVICE_CODE_GRANT)) {
    throw unusableAnswer(REGISTER, url, "does not allow device authorization");
  }
  return clientId;
}

/** Options of {@linkcode requestDeviceCode}. */
export interface DeviceCodeOptions extends RequestOptions {
  readonly metadata: AuthMetadata;
  readonly clientId: string;
  /**
   * The id of the device to log in. The id consists of letters, digits and `-._~`. Servers may
   * refuse an id with fewer than ten characters.
   */
  readonly deviceId: string;
}

/** A login that a person has not confirmed yet. */
export interface DeviceAuthorization {
  /** The secret that matrix-notify sends when it requests the tokens of the login. */
  readonly deviceCode: string;
  /** The code that the person enters. */
  readonly userCode: string;
  /** The web page on which the person enters the user code. */
  readonly verificationUri: string;
  /**
   * The address of the web page with the user code already filled in, for a QR code. Absent if the
   * server does not send this address.
   */
  readonly verificationUriComplete?: string;
  /** The requested scope (the rights of the login). */
  readonly scope: string;
  /** The time at which the codes expire, in milliseconds since 1970. */
  readonly expiresAt: number;
  /** The time between two requests for the tokens, in milliseconds. */
  readonly intervalMs: number;
}

const GET_CODE = "get a device code";

/** The value of `intervalMs` if the server does not send an interval (RFC 8628, section 3.2). */
const DEFAULT_INTERVAL_MS = 5000;

/** The minimum of `intervalMs`, even if the server sends a shorter interval. */
const MIN_INTERVAL_MS = 1000;

/**
 * The maximum lifetime of the codes, even if the server sends a longer lifetime. The login waits
 * for a person during this time.
 */
const MAX_LIFETIME_MS = 3_600_000;

/** The maximum length of an address of a web page. A QR code does not hold a longer address. */
const MAX_PAGE_CHARS = 2000;

/**
 * Requests the codes: `POST` to the `device_authorization_endpoint` (RFC 8628, sections 3.1 and
 * 3.2).
 *
 * @throws {OAuthError} if the server refuses, or does not offer device authorization
 * (`unsupported_grant_type`)
 */
export async function requestDeviceCode(
  client: OAuthClient,
  options: DeviceCodeOptions,
): Promise<DeviceAuthorization> {
  const { metadata, clientId, deviceId, timeoutMs, signal } = options;
  const { deviceAuthorizationEndpoint: url, issuer } = metadata;
  if (url === undefined) {
    throw new OAuthError(`Cannot ${GET_CODE}: ${new URL(issuer).host} does not offer device authorization`, {
      errcode: "unsupported_grant_type",
      status: 200,
    });
  }
  const scope = createScope(deviceId);
  const form = { client_id: clientId, scope };
  const answer = await oauthRequest(client, { task: GET_CODE, url, form, timeoutMs, signal });
  const text = (key: string) => {
    const value = answer[key];
    if (isCode(value)) return value;
    throw unusableAnswer(GET_CODE, url, `has no ${key}`);
  };
  const expiresInMs = readDuration(answer.expires_in, 1000);
  if (!expiresInMs) throw unusableAnswer(GET_CODE, url, "has no expires_in");
  const complete = answer.verification_uri_complete;
  const page = (uri: string) => hideSecrets(parseWebPage(uri, url));
  return {
    deviceCode: rememberSecret(text("device_code")),
    userCode: text("user_code"),
    verificationUri: page(text("verification_uri")),
    ...(typeof complete === "string" ? { verificationUriComplete: page(complete) } : {}),
    scope,
    expiresAt: client.runtime.now() + Math.min(expiresInMs, MAX_LIFETIME_MS),
    intervalMs: Math.max(MIN_INTERVAL_MS, readDuration(answer.interval, 1000) || DEFAULT_INTERVAL_MS),
  };
}

/**
 * Checks the address of the page on which a person logs in. Returns the address in its normal form,
 * which contains only ASCII.
 */
function parseWebPage(uri: string, url: string): string {
  const page = URL.parse(uri);
  if (page === null || !/^https?:$/.test(page.protocol) || page.href.length > MAX_PAGE_CHARS) {
    throw unusableAnswer(GET_CODE, url, "contains an address that is not a web page");
  }
  page.hash = "";
  const problem = findEndpointProblem(page.href, new URL(url).hostname);
  if (problem !== undefined) throw unusableAnswer(GET_CODE, url, `contains a page whose address ${problem}`);
  return new URL(uri).href;
}

/** Returns true if a value can be a code or an id of OAuth 2.0 (RFC 6749, appendix A). */
function isCode(value: unknown): value is string {
  return typeof value === "string" && /^[\x20-\x7e]{1,2000}$/.test(value);
}

/**
 * Creates the scope (the rights) of a login: the whole Client-Server API, on one device
 * (Client-Server API 1.15, "Scope").
 *
 * @throws {RangeError} if the device id has characters that a scope cannot have
 */
function createScope(deviceId: string): string {
  if (/^[A-Za-z0-9._~-]+$/.test(deviceId)) {
    return `urn:matrix:client:api:* urn:matrix:client:device:${deviceId}`;
  }
  throw new RangeError(
    `Cannot request the device "${deviceId}": a device_id may contain only letters, digits and -._~`,
  );
}

/** Options of {@linkcode pollDeviceToken}. */
export interface PollOptions extends RequestOptions {
  readonly tokenEndpoint: string;
  readonly clientId: string;
  readonly authorization: DeviceAuthorization;
}

/** The tokens of a login. The refresh token is always present. */
export type LoginTokens = Tokens & Required<Pick<Tokens, "refreshToken">>;

const LOG_IN = "log in";

/** The increase of the polling interval after an error `slow_down`, in milliseconds. */
const SLOW_DOWN_MS = 5_000;

/**
 * Requests the tokens repeatedly until the person has confirmed the login (RFC 8628, sections 3.4
 * and 3.5). Between two requests, waits for the interval that the server sent. Increases the
 * interval after the error `slow_down`. Doubles the interval while the server cannot be reached.
 *
 * @throws {OAuthError} if the person refused (`access_denied`), the codes have expired
 * (`expired_token`), or the server refuses for another reason
 * @throws the reason of the signal, if the signal aborts
 */
export async function pollDeviceToken(client: OAuthClient, options: PollOptions): Promise<LoginTokens> {
  const { tokenEndpoint: url, clientId, authorization, timeoutMs, signal } = options;
  const { runtime } = client;
  const { deviceCode, scope, expiresAt } = authorization;
  const form = { grant_type: DEVICE_CODE_GRANT, device_code: deviceCode, client_id: clientId };
  let intervalMs = authorization.intervalMs, waitMs = intervalMs;
  for (;;) {
    if (runtime.now() + waitMs >= expiresAt) await sleep(expiresAt - runtime.now());
    else await sleep(waitMs);
    if (runtime.now() >= expiresAt) throw expiredError();
    let answer;
    try {
      answer = await oauthRequest(client, { task: LOG_IN, url, form, timeoutMs, signal });
    } catch (error) {
      const outcome = classifyPollError(error);
      if (outcome === "failed") throw explain(error);
      if (outcome === "slow-down") intervalMs += SLOW_DOWN_MS;
      waitMs = outcome === "unreachable" ? Math.max(waitMs * 2, retryAfterMs(error)) : intervalMs;
      continue;
    }
    const tokens = parseTokens(answer, { task: LOG_IN, url, scope });
    const { refreshToken } = tokens;
    if (refreshToken === undefined) throw unusableAnswer(LOG_IN, url, "has no refresh_token");
    return { ...tokens, refreshToken };
  }

  async function sleep(ms: number): Promise<void> {
    await runtime.sleep(Math.max(0, ms), signal);
    signal?.throwIfAborted();
  }
}

function classifyPollError(error: unknown): "pending" | "slow-down" | "unreachable" | "failed" {
  if (error instanceof TransportError) return "unreachable";
  // The page of a captive portal (status below 400) is a temporary problem, and so is the answer of
  // an overloaded proxy. Other error statuses, such as 404, are permanent problems.
  if (error instanceof NotTheServiceError) {
    return error.status < 400 || isTemporary(error.status) ? "unreachable" : "failed";
  }
  if (!(error instanceof OAuthError)) return "failed";
  if (error.errcode === "authorization_pending") return "pending";
  if (error.errcode === "slow_down") return "slow-down";
  return isTemporary(error.status) ? "unreachable" : "failed";
}

function isTemporary(status: number): boolean {
  return status === 429 || status === 408 || status >= 500;
}

function retryAfterMs(error: unknown): number {
  const hasHeader = error instanceof OAuthError || error instanceof NotTheServiceError;
  return hasHeader ? error.retryAfterMs ?? 0 : 0;
}

/** Creates an understandable error for the codes `expired_token` and `access_denied`. */
function explain(error: unknown): unknown {
  if (!(error instanceof OAuthError)) return error;
  if (error.errcode === "expired_token") return expiredError(error);
  if (error.errcode !== "access_denied") return error;
  return new OAuthError(`Cannot ${LOG_IN}: the login was refused in the browser`, error, { cause: error });
}

function expiredError(cause?: OAuthError): OAuthError {
  const refusal = cause ?? { errcode: "expired_token", status: 400 };
  return new OAuthError(`Cannot ${LOG_IN}: the login was not confirmed in time`, refusal, { cause });
}
