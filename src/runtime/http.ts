/**
 * One HTTP exchange, with the failures that delivery must distinguish. It does not retry: the
 * courier does.
 *
 * @module
 */

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
import { parseJsonObject } from "../base/fields.ts";
import type { Runtime } from "./runtime.ts";

/** The part of the runtime that an exchange needs. */
export type HttpRuntime = Pick<Runtime, "fetch" | "timeout" | "now">;

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** {@linkcode FormData} sets its own `Content-Type`. */
  readonly body?: string | Uint8Array<ArrayBuffer> | FormData;
  /**
   * True if path or query contain a secret. Errors then show only the host, and do not keep the
   * error of `fetch`.
   *
   * @default {false}
   */
  readonly hidesUrl?: boolean;
  /** How long to wait for the whole response, milliseconds. `fetch` itself has no limit. */
  readonly timeoutMs: number;
  /** Stops the exchange. Its reason is thrown unchanged. */
  readonly signal?: AbortSignal;
}

/** A complete response. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** The body, at most {@linkcode MAX_ANSWER_BYTES}. */
  readonly text: string;
}

/** No service that we use sends longer responses. */
export const MAX_ANSWER_BYTES: number = 16 * 1024 * 1024;

/**
 * Sends a request and reads the whole response. Redirects are not followed: a PUT would become a
 * GET and deliver nothing.
 *
 * @throws {TransportError} if there is no response; its phase says whether the server may have
 * acted
 * @throws {NotTheServiceError} if the answer is too long to be one
 * @throws {PermissionError} if Deno does not allow the connection
 */
export async function exchange(runtime: HttpRuntime, request: HttpRequest): Promise<HttpAnswer> {
  const { signal, timeoutMs } = request;
  const limit = runtime.timeout(timeoutMs);
  const host = new URL(request.url).host;
  try {
    const response = await runtime.fetch(request.url, {
      method: request.method,
      headers: request.headers,
      body: request.body,
      redirect: "manual",
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
    });
    if (response.status === 407) {
      await response.body?.cancel();
      throw new NotTheServiceError(`The proxy before ${host} requires a user name and a password`, response);
    }
    return { status: response.status, headers: response.headers, text: await readText(response, host) };
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (error instanceof NotTheServiceError || error instanceof ConfigError) throw error;
    if (error instanceof Deno.errors.NotCapable) throw toPermissionError(`connect to ${host}`, error);
    const phase = limit.aborted ? "timeout" : failedPhase(error);
    const cause = request.hidesUrl ? undefined : error;
    if (phase === "timeout") throw new TransportError(phase, noAnswer(host, timeoutMs), { cause });
    const text = rootText(error, request.hidesUrl === true);
    const { state, hint } = await explain(text, new URL(request.url).hostname);
    throw new TransportError(phase, describe(phase, host, state, error), { hint, cause });
  }
}

/** The answer of a service. */
export interface ServiceAnswer extends HttpAnswer {
  readonly host: string;
  /** The body as a JSON object; empty if it is not one. */
  readonly json: Readonly<Record<string, unknown>>;
  /** The `Retry-After` header, milliseconds from now. */
  readonly retryAfterMs: number | undefined;
}

/** What a service says when it refuses. */
export interface ServiceRefusal extends Omit<Refusal, "status"> {
  /** The service's own words; empty if it has none. */
  readonly said: string;
}

/** How to read the answers of a service. */
export interface Service {
  /** Its name, for errors: `ntfy`. */
  readonly name: string;
  /** Whether the answer comes from the service, and says that the request is done. */
  isSuccess(answer: ServiceAnswer): boolean;
  /** Reads a refusal; undefined if the answer does not come from the service. */
  readRefusal(answer: ServiceAnswer): ServiceRefusal | undefined;
}

/**
 * Sends a request to a service and reads its answer.
 *
 * @returns the answer that says that the request is done
 * @throws {TransportError} if there is no answer
 * @throws {ResponseError} if the service refuses
 * @throws {NotTheServiceError} if something else answers
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
    throw new NotTheServiceError(`${host} does not answer like ${name}: ${status}`, { status, retryAfterMs });
  }
  const { said, ...rest } = refusal;
  const message = `${host} answered ${status}${said === "" ? "" : `: ${said}`}`;
  throw new ResponseError(message, { status, retryAfterMs, ...rest });
}

async function readText(response: Response, host: string): Promise<string> {
  // Reading in one piece is faster, and most responses state their length.
  if (Number(response.headers.get("Content-Length") ?? Infinity) <= MAX_ANSWER_BYTES) return await response.text();
  const decoder = new TextDecoder();
  let text = "", size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) {
      throw new NotTheServiceError(`Cannot use the answer of ${host}: it is longer than 16 MiB`, {
        status: response.status,
      });
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/**
 * Finds the phase in which `fetch` failed. Deno gives no code, only the text of the cause. This is
 * the only function that reads it, and its test uses the real network stack. Unknown errors count
 * as sent, which is the safe assumption: the next attempt is then made with more care.
 */
export function failedPhase(error: unknown): TransportPhase {
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
 * Loads the explanations late, because only failures need them. If that fails, the text stays as it
 * is.
 */
async function explain(text: string, host: string): Promise<ConnectProblem> {
  try {
    return (await import("./connect_errors.ts")).explainConnectError(text, host);
  } catch {
    return { state: text };
  }
}

/**
 * Returns the last part of Deno's error text, which has no URL. If the URL is secret, a text
 * without that part is not shown.
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

/** True for a token: visible ASCII, as an `Authorization` header allows. */
export function isToken(value: unknown): value is string {
  return typeof value === "string" && /^[\x21-\x7e]+$/.test(value);
}

/**
 * Parses a `Retry-After` header: seconds or an HTTP date (RFC 9110, section 10.2.3).
 *
 * @returns milliseconds from `now`, never negative; undefined if there is no valid value
 */
export function parseRetryAfter(value: string | null, now: number): number | undefined {
  const text = value?.trim() ?? "";
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, MAX_WAIT_MS);
  if (!/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)) return undefined;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** A century. Longer times are not valid dates for a clock. */
export const MAX_WAIT_MS: number = 100 * 365 * 86_400_000;
