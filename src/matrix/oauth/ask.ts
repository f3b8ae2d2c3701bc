/**
 * One request to an authorization server: a form or JSON in, a JSON object out. There is no retry here.
 *
 * @module
 */

import { NotTheServiceError } from "../../base/errors.ts";
import { exchange, type HttpAnswer, parseRetryAfter } from "../../runtime/http.ts";
import { parseJsonObject } from "../../base/fields.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { OAuthError } from "./errors.ts";

/** How to speak with an authorization client. */
export interface OAuthClient {
  readonly runtime: Pick<Runtime, "fetch" | "timeout" | "now" | "sleep">;
  /** How requests name us to the client. */
  readonly userAgent: string;
}

/** How long to wait for one answer, and for whom. */
export interface OAuthOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** What to ask. */
export interface OAuthRequest extends OAuthOptions {
  /** What cannot be done when this fails, for the error: `register this program`. */
  readonly task: string;
  readonly url: string;
  /** Sent as `application/x-www-form-urlencoded`. */
  readonly form?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: Readonly<Record<string, unknown>>;
}

/**
 * Asks an authorization client.
 *
 * @returns the answer to a request that went well: its JSON object, which is empty where the body is none, as after a revocation
 * @throws {OAuthError} when the server refuses
 * @throws {NotTheServiceError} when something else answered
 * @throws {TransportError} when nothing answered
 */
export async function ask(client: OAuthClient, asked: OAuthRequest): Promise<Record<string, unknown>> {
  const { task, url, form, json, timeoutMs, signal } = asked;
  const answer = await exchange(client.runtime, {
    method: "POST",
    url,
    headers: {
      "Accept": "application/json",
      "User-Agent": client.userAgent,
      "Content-Type": form === undefined ? "application/json" : "application/x-www-form-urlencoded",
    },
    body: form === undefined ? JSON.stringify(json ?? {}) : new URLSearchParams(form).toString(),
    timeoutMs,
    signal,
  });
  const object = parseJsonObject(answer.text);
  if (answer.status === 200 || answer.status === 201) {
    if (object !== undefined || answer.text === "") return object ?? {};
  }
  const host = new URL(url).host;
  const retryAfterMs = parseRetryAfter(answer.headers.get("Retry-After"), client.runtime.now());
  if (typeof object?.error === "string") {
    throw new OAuthError(`Cannot ${task}: ${saying(host, answer, object)}`, {
      errcode: object.error,
      status: answer.status,
      retryAfterMs,
    });
  }
  throw new NotTheServiceError(
    `Cannot ${task}: ${host} does not answer like an authorization server: ${answer.status}`,
    {
      status: answer.status,
      retryAfterMs,
    },
  );
}

function saying(
  host: string,
  { status }: HttpAnswer,
  { error, error_description: said }: Record<string, unknown>,
): string {
  const described = typeof said === "string" && said !== "" ? `: ${said.slice(0, 300)}` : "";
  return `${host} answered ${status} ${error}${described}`;
}

/** The error for an answer that lacks what it must hold. */
export function unusable(task: string, url: string, state: string): NotTheServiceError {
  return new NotTheServiceError(`Cannot ${task}: the answer of ${new URL(url).host} ${state}`, { status: 200 });
}
