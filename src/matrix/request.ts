/**
 * One request of the Client-Server API: JSON in, or a file, and a JSON object out. The access_token goes into the `Authorization` header and nowhere else; the form
 * in the query is gone from the specification.
 *
 * @module
 */

import { BeforeSendingError, NotTheServiceError } from "../base/errors.ts";
import { exchange, type HttpAnswer, type HttpRuntime, MAX_WAIT_MS, parseRetryAfter } from "../runtime/http.ts";
import { parseJsonObject } from "../base/fields.ts";
import { MatrixError } from "./errors.ts";

/** A homeserver and how to speak with it. */
export interface MatrixClient {
  readonly runtime: HttpRuntime;
  /** Without a trailing slash. */
  readonly baseUrl: string;
  /** For whom it asks; nobody in what is asked before a login. */
  readonly credentials?: Credentials;
  /** How requests name us to the server. */
  readonly userAgent: string;
}

/** An access_token, and how to come by another one. */
export interface Credentials {
  /**
   * The token for the next request. It is read at each, so that a new one needs no restart.
   *
   * @throws {ConfigError} when there is none to be had
   */
  accessToken(): string;
  /** Whether the token is over by our own clock, so that asking with it would only cost a round trip. @default never */
  isExpired?(): boolean;
  /**
   * Gets another token in the place of one that the server refused. Afterwards `accessToken` gives it.
   *
   * @returns whether there is another one; false when the session is over
   * @throws whatever a request throws, when nobody knows
   */
  renew?(refused: string, options: RenewOptions): Promise<boolean>;
}

/** How a token was refused, and how long to try for another. */
export interface RenewOptions {
  /** Whether the server said that the session lives on. */
  readonly softLogout: boolean;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** What to ask. */
export interface MatrixRequest {
  readonly method: "GET" | "POST" | "PUT";
  /** @default {"/_matrix/client/v3"} */
  readonly api?: string;
  /** The path's parts behind the API; each is percent-encoded. */
  readonly path: readonly string[];
  /** A {@linkcode URLSearchParams} where a key stands several times. */
  readonly query?: Readonly<Record<string, string>> | URLSearchParams;
  readonly body?: Readonly<Record<string, unknown>>;
  /** A file, in the place of a body. */
  readonly file?: { readonly bytes: Uint8Array<ArrayBuffer>; readonly type: string };
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/**
 * Asks a homeserver. A token that is over is renewed once, where it can be, and the request is made again: a refused one did nothing.
 *
 * @returns the JSON object of a 200 answer
 * @throws {MatrixError} when the homeserver refuses
 * @throws {NotTheServiceError} when something else answered: a captive portal, a proxy, a redirect
 * @throws {TransportError} when nothing answered
 * @throws {BeforeSendingError} when another token was needed and could not be asked for
 */
export async function request(client: MatrixClient, asked: MatrixRequest): Promise<
  Record<string, unknown>
> {
  const { credentials } = client;
  const token = await freshToken(credentials, asked);
  try {
    return await ask(client, asked, token);
  } catch (error) {
    // Whatever soft_logout says: servers that delegate their login do not tell.
    if (!(error instanceof MatrixError) || error.errcode !== "M_UNKNOWN_TOKEN" || token === undefined) throw error;
    const { softLogout } = error;
    if (!credentials || !await renew(credentials, token, { ...asked, softLogout })) throw error;
    return await ask(client, asked, credentials.accessToken());
  }
}

async function freshToken(credentials: Credentials | undefined, asked: MatrixRequest): Promise<string | undefined> {
  const token = credentials?.accessToken();
  if (token === undefined || !credentials?.isExpired?.()) return token;
  // When there is no other one, the server may still take this one: its clock counts.
  await renew(credentials, token, { ...asked, softLogout: true });
  return credentials.accessToken();
}

async function renew(credentials: Credentials, refused: string, options: RenewOptions): Promise<boolean> {
  const { softLogout, timeoutMs, signal } = options;
  try {
    return await credentials.renew?.(refused, { softLogout, timeoutMs, signal }) ?? false;
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw new BeforeSendingError(error);
  }
}

async function ask(client: MatrixClient, asked: MatrixRequest, token: string | undefined): Promise<
  Record<string, unknown>
> {
  const { method, api = "/_matrix/client/v3", path, query, body, file, timeoutMs, signal } = asked;
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
  if (json !== undefined && typeof json.errcode === "string") throw refusal(host, answer, json, client.runtime.now());
  throw new NotTheServiceError(`${host} does not answer like a homeserver: ${describe(answer)}`, {
    status: answer.status,
    retryAfterMs: parseRetryAfter(answer.headers.get("Retry-After"), client.runtime.now()),
  });
}

function refusal(host: string, answer: HttpAnswer, json: Record<string, unknown>, now: number): MatrixError {
  const errcode = String(json.errcode);
  const said = typeof json.error === "string" && json.error !== "" ? `: ${json.error.slice(0, 300)}` : "";
  const asked = json.retry_after_ms;
  const bodyMs = typeof asked === "number" && asked >= 0 ? Math.min(asked, MAX_WAIT_MS) : undefined;
  return new MatrixError(`${host} answered ${answer.status} ${errcode}${said}`, {
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
  const kind = headers.get("Content-Type")?.split(";")[0] ?? "no content type";
  return `${status}, ${text === "" ? "an empty body" : kind}`;
}
