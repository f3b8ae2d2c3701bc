/** What an authorization server answers, and how it reads what it is asked. */

import { type Answer, jsonAnswer } from "./answer.ts";
import type { Call } from "./server.ts";

/** Answers with tokens and codes in them are kept by nobody (RFC 6749, section 5.1). */
export const NO_STORE = { "cache-control": "no-store", "pragma": "no-cache" };

/** An error of OAuth 2.0 (RFC 6749, section 5.2). */
export function oauthError(error: string, description: string, status = 400): Answer {
  return jsonAnswer(status, { error, error_description: description }, NO_STORE);
}

/** The parameters of a form; those without a value count as absent (RFC 6749, section 3.2). */
export type Form = ReadonlyMap<string, string>;

/** Reads the body of a request, which must be a form and have each parameter once. */
export function readForm({ headers, body, query }: Call): Form | Answer {
  const [type] = (headers.get("content-type") ?? "").split(";");
  if (type.trim().toLowerCase() !== "application/x-www-form-urlencoded") {
    return oauthError("invalid_request", "The body must be application/x-www-form-urlencoded");
  }
  if (query !== "") return oauthError("invalid_request", "Parameters belong into the body");
  const form = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(body)) {
    if (form.has(name)) return oauthError("invalid_request", `The parameter ${name} comes twice`);
    form.set(name, value);
  }
  for (const [name, value] of form) if (value === "") form.delete(name);
  return form;
}

/** Whether something is an answer already, and no result to go on with. */
export function isAnswer(value: object): value is Answer {
  return "status" in value && "body" in value;
}
