/**
 * The answers to a request to send, as one line of JSON. `matrix-notify send` turns an answer back
 * into outcomes and errors. Therefore this command has the same exit codes with and without the
 * socket of `serve`.
 *
 * | status | meaning |
 * | --- | --- |
 * | 200 | at least one channel has delivered the notification |
 * | 202 | the notification is on disk |
 * | 400, 403, 413 | the request cannot be used |
 * | 408 | the request did not arrive in time |
 * | 422 | every channel rejected the notification, or another process dropped it |
 * | 429 | the sender is above its limit; `Retry-After` says when to try again |
 * | 503 | the notification could not be stored, or requests fill the memory: try again |
 *
 * @module
 */

import {
  ConfigError,
  HintedError,
  InvalidNotificationError,
  StorageError,
  type StorageErrorCode,
} from "../../base/errors.ts";
import { isObject, parseJsonObject } from "../../base/fields.ts";
import type { Outcome } from "../../notifier/outcomes.ts";

/** The result of a request. */
export interface SendResult {
  readonly outcomes: readonly Outcome[];
  /** The mistakes in the configuration. */
  readonly problems: readonly ConfigError[];
}

/** The receiver refused a request. Example: the request is too large or is not allowed. */
export class RefusedError extends HintedError {
  override name = "RefusedError" as const;
  /** The HTTP status. */
  readonly status: number;
  readonly retryAfterMs?: number;

  constructor(
    message: string,
    status: number,
    options: { readonly hint?: string; readonly retryAfterMs?: number } = {},
  ) {
    super(message, { hint: options.hint });
    this.status = status;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Answers a request whose notification was accepted. */
export function toAnswer({ outcomes, problems }: SendResult): Response {
  const shown = problems.map(({ message, hint }) => ({ message, hint }));
  return lineOf({ outcomes, ...(shown.length > 0 && { problems: shown }) }, statusOf(outcomes));
}

function statusOf(outcomes: readonly Outcome[]): number {
  const states = outcomes.filter(({ file }) => file === undefined).map(({ state }) => state);
  if (states.includes("refused")) return 503;
  if (states.includes("delivered") || states.every((state) => state === "muted")) return 200;
  return states.every((state) => state === "dead" || state === "dropped") ? 422 : 202;
}

/** Answers a request that failed. Returns undefined if the error is a bug. */
export function toErrorAnswer(error: unknown): Response | undefined {
  const status = error instanceof RefusedError
    ? error.status
    : error instanceof InvalidNotificationError
    ? 400
    : error instanceof StorageError || error instanceof ConfigError
    ? 503
    : undefined;
  if (status === undefined || !(error instanceof HintedError)) return undefined;
  const { name, message, hint } = error;
  const code = error instanceof StorageError ? error.code : undefined;
  const retryAfterMs = error instanceof RefusedError ? error.retryAfterMs : undefined;
  const headers: HeadersInit = retryAfterMs === undefined
    ? {}
    : { "Retry-After": String(Math.ceil(retryAfterMs / 1000)) };
  return lineOf({ error: { name, code, message, hint } }, status, headers);
}

function lineOf(value: unknown, status: number, headers: HeadersInit = {}): Response {
  return new Response(`${JSON.stringify(value)}\n`, {
    status,
    headers: { "Content-Type": "application/json", ...headers },
  });
}

/**
 * Reads an answer.
 *
 * @throws the error that the answer contains
 */
export async function readAnswer(response: Response): Promise<SendResult> {
  const { outcomes, problems, error } = parseJsonObject(await response.text()) ?? {};
  if (Array.isArray(outcomes)) {
    const mistakes = Array.isArray(problems) ? problems.filter(isObject) : [];
    return {
      outcomes: outcomes as Outcome[],
      problems: mistakes.map(({ message, hint }) => new ConfigError(String(message), { hint: toOptional(hint) })),
    };
  }
  const { name, code, message, hint } = isObject(error) ? error : { name: "", message: `HTTP ${response.status}` };
  const options = { hint: toOptional(hint) };
  if (name === "InvalidNotificationError") throw new InvalidNotificationError(String(message), options);
  if (name === "ConfigError") throw new ConfigError(String(message), options);
  if (name === "StorageError") throw new StorageError(code as StorageErrorCode, String(message), options);
  throw new RefusedError(String(message), response.status, options);
}

function toOptional(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
