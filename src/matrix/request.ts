/**
 * One request of the Client-Server API: JSON or a file in, a JSON object out. The access token is
 * sent in the `Authorization` header only; the specification has removed the query parameter.
 *
 * @module
 */

import { NotSentError, NotTheServiceError } from "../base/errors.ts";
import { exchange, type HttpAnswer, type HttpRuntime, MAX_WAIT_MS, parseRetryAfter } from "../runtime/http.ts";
import { parseJsonObject } from "../base/fields.ts";
import { MatrixError } from "./errors.ts";

/** A homeserver, and how to authenticate to it. */
export interface MatrixClient {
  readonly runtime: HttpRuntime;
  /** Without a trailing slash. */
  readonly baseUrl: string;
  /** Absent for requests before a login. */
  readonly credentials?: Credentials;
  /** The `User-Agent` header of each request. */
  readonly userAgent: string;
}

/** An access token, and how to get another one. */
export interface Credentials {
  /**
   * Returns the token for the next request. It is called for each request, so a new token needs no
   * restart.
   *
   * @throws {ConfigError} if there is none
   */
  accessToken(): string;
  /**
   * True if the token has expired by our own clock, so that a request with it would only cost a
   * round trip.
   *
   * @default never
   */
  isExpired?(): boolean;
  /**
   * Replaces a token that the server refused. Afterwards `accessToken` returns the new one.
   *
   * @returns false if the login is over and there is no other token
   * @throws the errors of a request, if it is unknown whether there is another token
   */
  renew?(refused: string, options: RenewOptions): Promise<boolean>;
}

/** The timeout of a request, and its cancellation. */
export interface RequestOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** Options of {@linkcode Credentials.renew}. */
export interface RenewOptions extends RequestOptions {
  /** True if the server said that the device still exists. */
  readonly softLogout: boolean;
}

/** A request. */
export interface MatrixRequest extends RequestOptions {
  readonly method: "GET" | "POST" | "PUT";
  /** @default {"/_matrix/client/v3"} */
  readonly api?: string;
  /** The parts of the path after the API; each is percent-encoded. */
  readonly path: readonly string[];
  /** A {@linkcode URLSearchParams} if a key appears several times. */
  readonly query?: Readonly<Record<string, string>> | URLSearchParams;
  readonly body?: Readonly<Record<string, unknown>>;
  /** A file, instead of a body. */
  readonly file?: { readonly bytes: Uint8Array<ArrayBuffer>; readonly type: string };
}

/**
 * Sends a request to a homeserver. If the token has expired, it is renewed once where possible, and
 * the request is repeated: the server did not act on the first one.
 *
 * @returns the JSON object of a 200 answer
 * @throws {MatrixError} if the homeserver refuses
 * @throws {NotTheServiceError} if something else answered: a captive portal, a proxy, a redirect
 * @throws {TransportError} if there was no answer
 * @throws {NotSentError} if another token was needed, and could not be requested
 */
export async function request(client: MatrixClient, details: MatrixRequest): Promise<Record<string, unknown>> {
  const { credentials } = client;
  const token = await freshToken(credentials, details);
  try {
    return await requestOnce(client, details, token);
  } catch (error) {
    // soft_logout is not checked: servers that delegate their logins leave it out.
    if (!(error instanceof MatrixError) || error.errcode !== "M_UNKNOWN_TOKEN" || token === undefined) throw error;
    const { softLogout } = error;
    if (!credentials || !await renew(credentials, token, { ...details, softLogout })) throw error;
    return await requestOnce(client, details, credentials.accessToken());
  }
}

async function freshToken(credentials: Credentials | undefined, options: RequestOptions): Promise<string | undefined> {
  const token = credentials?.accessToken();
  if (token === undefined || !credentials?.isExpired?.()) return token;
  // Without another token, this one is tried all the same: the server's clock decides.
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
  const { method, api = "/_matrix/client/v3", path, query, body, file, timeoutMs, signal } = details;
  const type = file?.type ?? (body === undefined ? undefined : "application/json");
  const answer = await exchange(client.runtime, {
    method,
    url: `${client.baseUrl}${api}/${path.map(encodeURIComponent).join("/")}${
      query ? `?${new URLSearchParams(query)}` : ""
    }`,
    headers: {
      ...(token === undefined ? {} : { "Authorization": `Bearer ${token}` }),
      "User-Agent": client.userAgent,
      ...(type === undefined ? {} : { "Content-Type": type }),
    },
    body: file?.bytes ?? (body === undefined ? undefined : JSON.stringify(body)),
    timeoutMs,
    signal,
  });
  const json = parseJsonObject(answer.text);
  if (answer.status === 200 && json !== undefined) return json;
  const host = new URL(client.baseUrl).host;
  if (json !== undefined && typeof json.errcode === "string") {
    throw toMatrixError(host, answer, json, client.runtime.now());
  }
  throw new NotTheServiceError(`${host} does not answer like a homeserver: ${describe(answer)}`, {
    status: answer.status,
    retryAfterMs: parseRetryAfter(answer.headers.get("Retry-After"), client.runtime.now()),
  });
}

function toMatrixError(host: string, answer: HttpAnswer, json: Record<string, unknown>, now: number): MatrixError {
  const errcode = String(json.errcode);
  const text = typeof json.error === "string" && json.error !== "" ? `: ${json.error.slice(0, 300)}` : "";
  const waitMs = json.retry_after_ms;
  const bodyMs = typeof waitMs === "number" && waitMs >= 0 ? Math.min(waitMs, MAX_WAIT_MS) : undefined;
  return new MatrixError(`${host} answered ${answer.status} ${errcode}${text}`, {
    status: answer.status,
    errcode,
    retryAfterMs: parseRetryAfter(answer.headers.get("Retry-After"), now) ?? bodyMs,
    softLogout: json.soft_logout === true,
  });
}

function describe({ status, headers, text }: HttpAnswer): string {
  if (status >= 300 && status < 400) {
    const target = URL.parse(headers.get("Location") ?? "")?.host;
    return `${status}, a redirect${target ? ` to ${target}` : ""}`;
  }
  const type = headers.get("Content-Type")?.split(";")[0] ?? "no content type";
  return `${status}, ${text === "" ? "an empty body" : type}`;
}
