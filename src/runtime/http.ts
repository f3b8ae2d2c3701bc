/**
 * Sends one HTTP request. Failures that delivery handles in different ways have different error
 * classes. Requests are not repeated here: the courier (which delivers the entries of the queue)
 * starts the next attempt.
 *
 * @module
 */

import { formatBytes } from "../base/count.ts";
import type { ConnectProblem } from "./connect_errors.ts";
import {
  ConfigError,
  NotTheServiceError,
  ProxiedFetchError,
  type Refusal,
  ResponseError,
  toPermissionError,
  TransportError,
  type TransportPhase,
} from "../base/errors.ts";
import { isObject, parseJsonObject } from "../base/fields.ts";
import { hideSecrets, hideSecretsInData } from "../base/secret.ts";
import { firstChars } from "../base/printable.ts";
import { eitherSignal } from "./abort.ts";
import type { Runtime } from "./runtime.ts";

/** The part of the runtime that a request needs. */
export type HttpRuntime = Pick<Runtime, "fetch" | "timeout" | "now">;

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The body of the request. For {@linkcode FormData}, `fetch` sets the `Content-Type`. */
  readonly body?: string | Uint8Array<ArrayBuffer> | FormData;
  /**
   * True if the path or the query contains a secret. Errors then show only the host of the URL, and
   * do not have the error of `fetch` as their `cause`.
   *
   * @default {false}
   */
  readonly hidesUrl?: boolean;
  /**
   * The maximum time for the whole response, in milliseconds. `fetch` does not have a time limit.
   */
  readonly timeoutMs: number;
  /** The maximum size of the response, in bytes. @default {MAX_ANSWER_BYTES} */
  readonly maxAnswerBytes?: number;
  /**
   * True if the caller needs only the HTTP status. A response that is too long is then cut, and an
   * incomplete response is accepted.
   *
   * @default {false}
   */
  readonly cutsAnswer?: boolean;
  /**
   * True if a successful response contains new secrets, such as an access token. Secrets in such a
   * response are not replaced, because a new secret can be equal to a known secret. The caller must
   * not show any part of such a response.
   *
   * @default {false}
   */
  readonly asksForSecrets?: boolean;
  /**
   * The signal that stops the request. If it aborts, the request throws the reason of the signal.
   */
  readonly signal?: AbortSignal;
}

/**
 * A complete response. In `headers` and `text`, `[secret]` replaces every secret of this process.
 * See `asksForSecrets` in {@linkcode HttpRequest} for the exception.
 */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Pick<Headers, "get">;
  readonly text: string;
}

/** The default of {@linkcode HttpRequest.maxAnswerBytes}: 1 MiB. */
export const MAX_ANSWER_BYTES: number = 1024 * 1024;

/**
 * Sends a request and reads the whole response. Redirects are not followed, because `fetch` can
 * change a PUT into a GET, and a GET does not deliver the message.
 *
 * @throws {TransportError} if there is no complete response; the `phase` of the error shows whether
 *   the server may have received the request
 * @throws {NotTheServiceError} if the response is longer than `maxAnswerBytes`, or if a proxy
 *   requires a login
 * @throws {PermissionError} if Deno does not allow the connection
 */
export async function exchange(runtime: HttpRuntime, request: HttpRequest): Promise<HttpAnswer> {
  const { signal, timeoutMs } = request;
  const limit = runtime.timeout(timeoutMs);
  try {
    const response = await runtime.fetch(request.url, {
      method: request.method,
      // With this header, `fetch` decompresses nothing. The decompressor has no memory limit: a
      // malicious server can fill the memory with an endless file name in a gzip header.
      headers: { ...request.headers, "Accept-Encoding": "identity" },
      body: request.body,
      redirect: "manual",
      signal: eitherSignal(signal, limit),
    });
    if (response.status === 407) {
      await response.body?.cancel();
      const { host } = new URL(request.url);
      throw new NotTheServiceError(`The proxy for ${host} requires a user name and a password`, response);
    }
    const text = await readText(response, request);
    return withoutSecrets(response, text, request);
  } catch (error) {
    if (signal?.aborted && !limit.aborted) throw signal.reason;
    const { host } = new URL(request.url);
    if (error instanceof NotTheServiceError || error instanceof ConfigError) throw error;
    if (error instanceof Deno.errors.NotCapable) throw toPermissionError(`connect to ${host}`, error);
    const phase = limit.aborted ? "timeout" : failedPhase(error);
    const cause = request.hidesUrl || containsSecret(error) ? undefined : error;
    if (phase === "timeout") throw new TransportError(phase, noAnswer(host, timeoutMs), { cause });
    const text = hideSecrets(rootText(error, request.hidesUrl === true));
    const { state, hint } = await explain(text, new URL(request.url).hostname);
    throw new TransportError(phase, describe(phase, host, state, error), { hint, cause });
  }
}

/**
 * Hides secrets in a response. A successful response that is longer than {@linkcode
 * MAX_ANSWER_BYTES} is not searched. Such a response is a page of messages or a list of rooms, and
 * only its ids and room names are shown. The code that reads a room name hides secrets in the name.
 */
function withoutSecrets(
  { status, ok, headers: given }: Response,
  text: string,
  { asksForSecrets = false }: HttpRequest,
): HttpAnswer {
  // Few headers of a response are read. Therefore a header is searched for secrets only when the
  // header is read.
  const headers = { get: (name: string) => hideSecretsInHeader(given.get(name)) };
  if (ok && (asksForSecrets || text.length > MAX_ANSWER_BYTES)) return { status, headers, text };
  const hidden = hideSecretsInData(text);
  if (hidden === text) return { status, headers, text };
  const json = parseJsonObject(text);
  return { status, headers, text: json === undefined ? hidden : JSON.stringify(hideSecretsInJson(json)) };
}

function hideSecretsInHeader(value: string | null): string | null {
  return value === null ? null : hideSecretsInData(value);
}

/** Hides secrets in the texts of a JSON value. The names of fields do not change. */
function hideSecretsInJson(value: unknown): unknown {
  if (typeof value === "string") return hideSecretsInData(value);
  if (Array.isArray(value)) return value.map(hideSecretsInJson);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, hideSecretsInJson(inner)]));
}

function containsSecret(error: unknown): boolean {
  const text = Deno.inspect(error);
  return hideSecrets(text) !== text;
}

/** The response of a service. */
export interface ServiceAnswer extends HttpAnswer {
  readonly host: string;
  /** The body as a JSON object, or an empty object if the body is not a JSON object. */
  readonly json: Readonly<Record<string, unknown>>;
  /** The waiting time from the `Retry-After` header, in milliseconds. */
  readonly retryAfterMs: number | undefined;
}

/** The information that a service gives when it refuses a request. */
export interface ServiceRefusal extends Omit<Refusal, "status"> {
  /** The error text of the service; may be empty. */
  readonly said: string;
}

/** A kind of server (such as ntfy), with the functions that read its responses. */
export interface Service {
  /** The name of the service in errors, such as `ntfy`. */
  readonly name: string;
  /** Returns true if the response comes from the service and reports success. */
  isSuccess(answer: ServiceAnswer): boolean;
  /**
   * Reads the error of the service from a response. Returns undefined if the response does not come
   * from the service.
   */
  readRefusal(answer: ServiceAnswer): ServiceRefusal | undefined;
}

/**
 * Sends a request to a service and reads its response.
 *
 * @returns the response, if it reports success
 * @throws {TransportError} if there is no complete response
 * @throws {ResponseError} if the service refuses the request
 * @throws {NotTheServiceError} if the response does not come from the service
 */
export async function exchangeJson(
  runtime: HttpRuntime,
  request: HttpRequest,
  { name, isSuccess, readRefusal }: Service,
): Promise<ServiceAnswer> {
  const plain = await exchange(runtime, request);
  const { host } = new URL(request.url);
  const { status } = plain;
  const retryAfterMs = parseRetryAfter(plain.headers.get("Retry-After"), runtime.now());
  const answer = { ...plain, host, json: parseJsonObject(plain.text) ?? {}, retryAfterMs };
  if (isSuccess(answer)) return answer;
  const refusal = readRefusal(answer);
  if (refusal === undefined) {
    const state = describeStatus(status);
    throw new NotTheServiceError(`${host} does not answer like ${name}: ${state}`, { status, retryAfterMs });
  }
  const { said, ...rest } = refusal;
  const message = `${host} answered ${describeStatus(status)}${
    said === "" ? "" : `: ${firstChars(said, MAX_SAID_CHARS)}`
  }`;
  throw new ResponseError(message, { status, retryAfterMs, ...rest });
}

/** The longest error text of a service that an error message shows, in characters. */
export const MAX_SAID_CHARS = 300;

/**
 * Returns true if a value from a service is a short word of visible ASCII characters, such as an
 * error code, a version or a user name.
 */
export function isWord(value: unknown): value is string {
  return typeof value === "string" && /^[\x21-\x7e]{1,100}$/.test(value);
}

/** Returns the media type in a `Content-Type` header; undefined if there is no valid type. */
export function readMediaType(headers: HttpAnswer["headers"]): string | undefined {
  return /^\s*([\w.+-]{1,127}\/[\w.+-]{1,127})\s*(;|$)/.exec(headers.get("Content-Type") ?? "")?.[1];
}

/** Formats an HTTP status for messages. The status 429 is explained: `429 (rate limit)`. */
export function describeStatus(status: number, code?: string): string {
  return `${status}${code === undefined ? "" : ` ${code}`}${status === 429 ? " (rate limit)" : ""}`;
}

async function readText(response: Response, request: HttpRequest): Promise<string> {
  const { maxAnswerBytes: maxBytes = MAX_ANSWER_BYTES, cutsAnswer = false, signal } = request;
  const { headers } = response;
  // Reading a short response in one piece is faster than reading chunks. With `Transfer-Encoding`,
  // the body may be longer than `Content-Length` (RFC 9112, section 6.3).
  const size = headers.has("Transfer-Encoding") ? Infinity : Number(headers.get("Content-Length") ?? Infinity);
  if (size <= maxBytes && !cutsAnswer) return await response.text();
  const decoder = new TextDecoder();
  let text = "", bytes = 0;
  try {
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length;
      if (bytes > maxBytes) {
        const { host } = new URL(request.url);
        throw new NotTheServiceError(`Cannot use the answer of ${host}: it is longer than ${formatBytes(maxBytes)}`, {
          status: response.status,
        });
      }
      text += decoder.decode(chunk, { stream: true });
    }
  } catch (error) {
    if (!cutsAnswer || signal?.aborted) throw error;
  }
  return text + decoder.decode();
}

/**
 * Finds the phase in which `fetch` failed. Deno's error has no code, so this function reads the
 * text of the `cause`. No other code depends on this text. After an unknown error, the result is
 * `exchange`, which means that the request may have been sent. This is the safe assumption: the
 * next attempt then tries to avoid a duplicate.
 */
function failedPhase(error: unknown): TransportPhase {
  if (!(error instanceof Error)) return "exchange";
  if (error.message.startsWith("Fetch failed: Requests to port ")) return "connect";
  const cause = error.cause instanceof Error ? error.cause.message : "";
  return cause.includes("client error (Connect)") ? "connect" : "exchange";
}

function noAnswer(host: string, timeoutMs: number): string {
  return `No answer from ${host} within ${Math.round(timeoutMs / 100) / 10} s`;
}

function describe(phase: TransportPhase, host: string, state: string, error: unknown): string {
  const where = error instanceof ProxiedFetchError ? `${host} through the proxy ${error.proxy}` : host;
  return phase === "connect" ? `Cannot connect to ${where}: ${state}` : `Connection to ${where} broke: ${state}`;
}

/**
 * Explains an error text. The module with the explanations is loaded only after a failure. If the
 * module cannot be loaded, the text is not changed.
 */
async function explain(text: string, host: string): Promise<ConnectProblem> {
  try {
    return (await import("./connect_errors.ts")).explainConnectError(text, host);
  } catch {
    return { state: text };
  }
}

/**
 * Returns the last part of Deno's error text, which does not contain the URL. If the URL is secret
 * and the text has an unknown form, returns a general text.
 */
function rootText(error: unknown, hidesUrl: boolean): string {
  if (!(error instanceof Error)) return hidesUrl ? "the request failed" : String(error);
  const text = error.cause instanceof Error ? error.cause.message : error.message;
  if (hidesUrl && !/client error \(\w+\): /.test(text)) return "the request failed";
  return text.replace(/^.*client error \(\w+\): /s, "").replace(/ \(os error \d+\)$/, "").replace(
    /^tcp connect error: /,
    "",
  );
}

/**
 * Returns true if a value can be a token: a text of visible ASCII characters, which an
 * `Authorization` header can contain. Servers limit the length of headers.
 */
export function isToken(value: unknown): value is string {
  return typeof value === "string" && /^[\x21-\x7e]{1,16384}$/.test(value);
}

/**
 * Parses a `Retry-After` header, which is a number of seconds or an HTTP date (RFC 9110, section
 * 10.2.3).
 *
 * @returns the waiting time from `now` in milliseconds, never negative; undefined if the value is
 * missing or invalid
 */
export function parseRetryAfter(value: string | null, now: number): number | undefined {
  const text = value?.trim() ?? "";
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, MAX_WAIT_MS);
  if (!HTTP_DATE.test(text)) return undefined;
  const date = Date.parse(text.endsWith("GMT") ? text : `${text} GMT`);
  return Number.isNaN(date) ? undefined : Math.min(Math.max(0, date - now), MAX_WAIT_MS);
}

/**
 * An HTTP date in one of its three forms: `Sun, 06 Nov 1994 08:49:37 GMT`, and the obsolete forms
 * `Sunday, 06-Nov-94 08:49:37 GMT` and `Sun Nov  6 08:49:37 1994` (RFC 9110, section 5.6.7).
 */
const HTTP_DATE =
  /^([A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} [\d:]{8} GMT|[A-Z][a-z]+day, \d{2}-[A-Z][a-z]{2}-\d{2} [\d:]{8} GMT|[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d [\d:]{8} \d{4})$/;

/**
 * Reads a duration from a response.
 *
 * @param unitMs the unit of the value, in milliseconds
 * @returns the duration in milliseconds, at most {@linkcode MAX_WAIT_MS}; undefined if the value is
 * not a number, or is negative
 */
export function readDuration(value: unknown, unitMs: number): number | undefined {
  return typeof value === "number" && value >= 0 ? Math.min(value * unitMs, MAX_WAIT_MS) : undefined;
}

/**
 * The maximum waiting time, in milliseconds: a century. Longer times could lead to invalid dates.
 */
const MAX_WAIT_MS: number = 100 * 365 * 86_400_000;
