/**
 * One HTTP exchange, with the failures that delivery must tell apart. There is no retry here: the courier owns time.
 *
 * @module
 */

import type { ConnectProblem } from "./connect_errors.ts";
import {
  ConfigError,
  NotTheServiceError,
  ProxiedFetchError,
  toPermissionError,
  TransportError,
  type TransportPhase,
} from "../base/errors.ts";
import type { Runtime } from "./runtime.ts";

/** What an exchange needs of the runtime. */
export type HttpRuntime = Pick<Runtime, "fetch" | "timeout" | "now">;

/** A request. */
export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A {@linkcode FormData} brings its own `Content-Type`. */
  readonly body?: string | Uint8Array<ArrayBuffer> | FormData;
  /** Whether the path or the query holds a secret: then no error says more of the address than its host, nor keeps what `fetch` said. @default {false} */
  readonly hidesUrl?: boolean;
  /** How long to wait for the whole answer, in milliseconds. A bare `fetch` waits for ever. */
  readonly timeoutMs: number;
  /** The caller's wish to stop; its reason is rethrown as it is. */
  readonly signal?: AbortSignal;
}

/** A whole answer. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** The body as text, at most {@linkcode MAX_ANSWER_BYTES}. */
  readonly text: string;
}

/** Longer answers are no answers to what we ask. */
export const MAX_ANSWER_BYTES: number = 16 * 1024 * 1024;

/**
 * Sends a request and reads the whole answer. Redirects are answers, not followed: a PUT that becomes a GET elsewhere delivers nothing.
 *
 * @throws {TransportError} when there is no answer; its phase says whether the server may have acted
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
      throw new NotTheServiceError(`The proxy before ${host} wants a user name and a password`, response);
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

async function readText(response: Response, host: string): Promise<string> {
  // Most answers say how long they are, and are quicker read in one piece.
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
 * Where a failed `fetch` failed. Deno gives no code for it, only the text of the cause, so that this one function reads it, and
 * its test asks the real network stack. Anything unknown counts as sent, which is the safe side: it makes the
 * next try more careful, never less.
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

/** Only failures need the words for them; a failure without them is the same failure. */
async function explain(text: string, host: string): Promise<ConnectProblem> {
  try {
    return (await import("./connect_errors.ts")).explainConnectError(text, host);
  } catch {
    return { state: text };
  }
}

/** The last part of Deno's error text, for people: it holds no URL. Where that matters, a text without that part is not shown at all. */
function rootText(error: unknown, hidesUrl: boolean): string {
  if (!(error instanceof Error)) return hidesUrl ? "the request failed" : String(error);
  const text = error.cause instanceof Error ? error.cause.message : error.message;
  if (hidesUrl && !/client error \(\w+\): /.test(text)) return "the request failed";
  return text.replace(/^.*client error \(\w+\): /s, "").replace(/ \(os error \d+\)$/, "").replace(
    /^tcp connect error: /,
    "",
  );
}

/** Whether this is a token: visible ASCII, which an `Authorization` header can carry. */
export function isToken(value: unknown): value is string {
  return typeof value === "string" && /^[\x21-\x7e]+$/.test(value);
}

/**
 * Parses a `Retry-After` header: seconds or an HTTP date (RFC 9110, section 10.2.3).
 *
 * @returns milliseconds from `now`, never negative; undefined when there is no usable value
 */
export function parseRetryAfter(value: string | null, now: number): number | undefined {
  const text = value?.trim() ?? "";
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, MAX_WAIT_MS);
  if (!/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)) return undefined;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** A century: what is longer is no time that a clock can show. */
export const MAX_WAIT_MS: number = 100 * 365 * 86_400_000;
