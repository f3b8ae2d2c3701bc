/**
 * One request of the Client-Server API: JSON in, a JSON object out. The access_token goes into the `Authorization` header and nowhere else; the form
 * in the query is gone from the specification.
 *
 * @module
 */

import { NotTheServiceError } from "../errors.ts";
import { exchange, type HttpAnswer, type HttpRuntime, MAX_WAIT_MS, parseJsonObject, parseRetryAfter } from "../http.ts";
import { MatrixError } from "./errors.ts";

/** A homeserver and how to speak with it. */
export interface MatrixClient {
  readonly runtime: HttpRuntime;
  /** Without a trailing slash. */
  readonly baseUrl: string;
  /** Read at each request, so that a new token needs no restart. */
  readonly accessToken: () => string;
  /** How requests name us to the server. */
  readonly userAgent: string;
}

/** What to ask. */
export interface MatrixRequest {
  readonly method: "GET" | "POST" | "PUT";
  /** @default {"/_matrix/client/v3"} */
  readonly api?: string;
  /** The path's parts behind the API; each is percent-encoded. */
  readonly path: readonly string[];
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>>;
  /** Whether the access_token goes along. @default {true} */
  readonly requiresAuth?: boolean;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/**
 * Asks a homeserver.
 *
 * @returns the JSON object of a 200 answer
 * @throws {MatrixError} when the homeserver refuses
 * @throws {NotTheServiceError} when something else answered: a captive portal, a proxy, a redirect
 * @throws {TransportError} when nothing answered
 */
export async function request(client: MatrixClient, asked: MatrixRequest): Promise<
  Record<string, unknown>
> {
  const { method, api = "/_matrix/client/v3", path, query, body, requiresAuth = true, timeoutMs, signal } = asked;
  const answer = await exchange(client.runtime, {
    method,
    url: `${client.baseUrl}${api}/${path.map(encodeURIComponent).join("/")}${
      query ? `?${new URLSearchParams(query)}` : ""
    }`,
    headers: {
      ...(requiresAuth ? { "Authorization": `Bearer ${client.accessToken()}` } : {}),
      "User-Agent": client.userAgent,
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
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
