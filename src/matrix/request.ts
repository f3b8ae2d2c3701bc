/**
 * Sends a request of the Client-Server API with JSON or a file, and returns the JSON object of the
 * answer. The access token is sent only in the `Authorization` header, because the specification
 * has removed the query parameter for the token.
 *
 * @module
 */

import { NotSentError, NotTheServiceError } from "../base/errors.ts";
import {
  describeStatus,
  exchange,
  type HttpAnswer,
  type HttpRuntime,
  isWord,
  MAX_SAID_CHARS,
  parseRetryAfter,
  readDuration,
  readMediaType,
} from "../runtime/http.ts";
import { parseJsonObject } from "../base/fields.ts";
import { rememberSecret } from "../base/secret.ts";
import { firstChars } from "../base/printable.ts";
import { MatrixError } from "./errors.ts";

/** A homeserver, and the credentials for it. */
export interface MatrixClient {
  readonly runtime: HttpRuntime;
  /** The address of the homeserver, without a trailing slash. */
  readonly baseUrl: string;
  /**
   * Finds the address of the homeserver from its server name. After the call, `baseUrl` contains
   * the address. Present only if a server name is configured instead of an address.
   *
   * @default `baseUrl` contains the address from the start
   * @throws {NotSentError} if the homeserver cannot be found
   */
  locate?(options: RequestOptions): Promise<string>;
  /** The credentials of the account. Absent for requests before a login. */
  readonly credentials?: Credentials;
  /** The `User-Agent` header of each request. */
  readonly userAgent: string;
}

/** An access token, and a function that replaces the token. */
export interface Credentials {
  /**
   * Returns the access token. This function is called for each request, so a new token is used
   * without a restart.
   *
   * @throws {ConfigError} if there is no token
   */
  accessToken(): string;
  /**
   * Returns true if the token has expired by the clock of this host. A server would refuse a
   * request with an expired token.
   *
   * @default the token does not expire
   */
  isExpired?(): boolean;
  /**
   * Replaces a token that the server refused. After the renewal, `accessToken` returns the new
   * token.
   *
   * @returns false if the login has ended and cannot be renewed
   * @throws the errors of a request, if the renewal failed but may succeed later
   */
  renew?(refused: string, options: RenewOptions): Promise<boolean>;
}

/** The timeout of a request, and the signal that cancels it. */
export interface RequestOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** Options of {@linkcode Credentials.renew}. */
export interface RenewOptions extends RequestOptions {
  /** True if the server reported that the device still exists. */
  readonly softLogout: boolean;
}

/**
 * The maximum size of a page of events or a list of rooms with their state, in bytes. A page has up
 * to 100 events of at most 64 KiB.
 */
export const MAX_LONG_ANSWER_BYTES: number = 16 * 1024 * 1024;

/** A request to a homeserver. */
export interface MatrixRequest extends RequestOptions {
  readonly method: "GET" | "POST" | "PUT";
  /** The first part of the path. @default {"/_matrix/client/v3"} */
  readonly api?: string;
  /** The parts of the path after `api`. {@linkcode request} percent-encodes each part. */
  readonly path: readonly string[];
  /** The query parameters. Use {@linkcode URLSearchParams} if a key appears several times. */
  readonly query?: Readonly<Record<string, string>> | URLSearchParams;
  readonly body?: object;
  /** The maximum size of the response, in bytes. @default {MAX_ANSWER_BYTES} */
  readonly maxAnswerBytes?: number;
  /** True if a 200 answer contains tokens. @default {false} */
  readonly asksForSecrets?: boolean;
  /** A file that is sent instead of `body`. */
  readonly file?: { readonly bytes: Uint8Array<ArrayBuffer>; readonly type: string };
}

/**
 * Sends a request to a homeserver. If the server refuses the token, this function requests a new
 * token if possible, and then repeats the request. The repetition cannot cause a duplicate, because
 * the server did not process the first request.
 *
 * @returns the JSON object of a 200 answer
 * @throws {MatrixError} if the homeserver refuses
 * @throws {NotTheServiceError} if the answer is a redirect, or comes from a proxy or a captive
 * portal instead of a homeserver
 * @throws {TransportError} if the server did not answer
 * @throws {NotSentError} if a new token was needed but could not be requested, or if the homeserver
 * cannot be found
 */
export async function request(client: MatrixClient, details: MatrixRequest): Promise<Record<string, unknown>> {
  const { credentials } = client;
  const token = await freshToken(credentials, details);
  try {
    return await requestOnce(client, details, token);
  } catch (error) {
    // The token is renewed even if `softLogout` is absent. Servers that delegate their logins to an
    // OAuth 2.0 server omit this field.
    if (!(error instanceof MatrixError) || error.errcode !== "M_UNKNOWN_TOKEN" || token === undefined) throw error;
    const { softLogout } = error;
    if (!credentials || !await renew(credentials, token, { ...details, softLogout })) throw error;
    return await requestOnce(client, details, credentials.accessToken());
  }
}

async function freshToken(credentials: Credentials | undefined, options: RequestOptions): Promise<string | undefined> {
  const token = credentials?.accessToken();
  if (token === undefined || !credentials?.isExpired?.()) return token;
  // The result of the renewal is ignored. Without a new token, the old token is used. The old token
  // may still be valid, because the clock of this host may be wrong.
  await renew(credentials, token, { ...options, softLogout: true });
  return credentials.accessToken();
}

async function renew(credentials: Credentials, refused: string, options: RenewOptions): Promise<boolean> {
  const { softLogout, timeoutMs, signal } = options;
  try {
    return await credentials.renew?.(refused, { softLogout, timeoutMs, signal }) ?? false;
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw new NotSentError(error);
  }
}

async function requestOnce(
  client: MatrixClient,
  details: MatrixRequest,
  token: string | undefined,
): Promise<Record<string, unknown>> {
  const { method, api = "/_matrix/client/v3", path, query, body, file } = details;
  const { timeoutMs, maxAnswerBytes, asksForSecrets, signal } = details;
  const baseUrl = await client.locate?.({ timeoutMs, signal }) ?? client.baseUrl;
  const type = file?.type ?? (body === undefined ? undefined : "application/json");
  const answer = await exchange(client.runtime, {
    method,
    url: `${baseUrl}${api}/${path.map(encodeURIComponent).join("/")}${query ? `?${new URLSearchParams(query)}` : ""}`,
    headers: {
      ...(token === undefined ? {} : { "Authorization": `Bearer ${rememberSecret(token)}` }),
      "User-Agent": client.userAgent,
      ...(type === undefined ? {} : { "Content-Type": type }),
    },
    body: file?.bytes ?? (body === undefined ? undefined : JSON.stringify(body)),
    timeoutMs,
    maxAnswerBytes,
    asksForSecrets,
    signal,
  });
  const json = parseJsonObject(answer.text);
  if (answer.status === 200 && json !== undefined) return json;
  const host = new URL(baseUrl).host;
  if (json !== undefined && isWord(json.errcode)) {
    throw toMatrixError(host, answer, { ...json, errcode: json.errcode }, client.runtime.now());
  }
  throw new NotTheServiceError(`${host} does not answer like a homeserver: ${describe(answer)}`, {
    status: answer.status,
    retryAfterMs: parseRetryAfter(answer.headers.get("Retry-After"), client.runtime.now()),
  });
}

function toMatrixError(
  host: string,
  answer: HttpAnswer,
  json: { readonly errcode: string; readonly [key: string]: unknown },
  now: number,
): MatrixError {
  const { errcode } = json;
  const text = typeof json.error === "string" && json.error !== "" ? `: ${firstChars(json.error, MAX_SAID_CHARS)}` : "";
  return new MatrixError(`${host} answered ${describeStatus(answer.status, errcode)}${text}`, {
    status: answer.status,
    errcode,
    retryAfterMs: parseRetryAfter(answer.headers.get("Retry-After"), now) ?? readDuration(json.retry_after_ms, 1),
    softLogout: json.soft_logout === true,
  });
}

function describe({ status, headers, text }: HttpAnswer): string {
  if (status >= 300 && status < 400) {
    const target = URL.parse(headers.get("Location") ?? "")?.host;
    return `${status}, a redirect${target ? ` to ${target.slice(0, MAX_SAID_CHARS)}` : ""}`;
  }
  const type = readMediaType(headers) ?? "no content type";
  return `${describeStatus(status)}, ${text === "" ? "an empty body" : type}`;
}
