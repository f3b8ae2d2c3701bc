/**
 * The clients of a loopback authorization server: their registration (RFC 7591), and the check of
 * their requests. This file also parses forms and creates the errors of OAuth 2.0.
 */

import { parseJsonObject } from "../base/fields.ts";
import { type Answer, jsonAnswer } from "./answer.ts";
import type { Call } from "./server.ts";

/**
 * The headers of answers with tokens or codes. Caches must not store such answers (RFC 6749,
 * section 5.1).
 */
export const NO_STORE = { "cache-control": "no-store", "pragma": "no-cache" };

/** Creates an error of OAuth 2.0 (RFC 6749, section 5.2). */
export function oauthError(error: string, description: string, status = 400): Answer {
  return jsonAnswer(status, { error, error_description: description }, NO_STORE);
}

/** The parameters of a form. Empty parameters are left out (RFC 6749, section 3.2). */
export type Form = ReadonlyMap<string, string>;

/**
 * Parses the body of a request. The body must be a form, and must not contain two parameters with
 * the same name.
 */
export function parseForm({ headers, body, query }: Call): Form | Answer {
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

/** Returns true if the result of a function is an error answer. */
export function isAnswer(value: object): value is Answer {
  return "status" in value && "body" in value;
}

/** A registered client. */
export interface Client {
  readonly clientId: string;
  readonly grantTypes: readonly string[];
}

export const DEVICE_CODE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";

/**
 * The known grant types. The server ignores unknown grant types in a registration, as the Matrix
 * specification requires.
 */
const GRANT_TYPES: readonly string[] = ["authorization_code", "refresh_token", DEVICE_CODE_GRANT];

/** Stores all registered clients. */
export class Clients {
  readonly #clients = new Map<string, Client>();

  /** Registers a client. */
  register(call: Call): Answer {
    const metadata = parseMetadata(call);
    if (metadata === undefined) return oauthError("invalid_client_metadata", "The body must be a JSON object");
    const problem = findMetadataProblem(metadata);
    if (problem !== undefined) return oauthError(...problem);
    const grantTypes = texts(metadata.grant_types, ["authorization_code"]).filter((type) => GRANT_TYPES.includes(type));
    const clientId = crypto.randomUUID();
    this.#clients.set(clientId, { clientId, grantTypes });
    const registered = { ...metadata, client_id: clientId, grant_types: grantTypes };
    return jsonAnswer(201, registered, NO_STORE);
  }

  /**
   * Finds the client that sent a request. All clients are public, so they have no secret. A request
   * with a secret is rejected.
   */
  recognize({ headers }: Call, form: Form): Client | Answer {
    if (headers.has("authorization") || form.has("client_secret")) {
      return oauthError("invalid_client", "This client has no secret", 401);
    }
    const clientId = form.get("client_id");
    if (clientId === undefined) return oauthError("invalid_request", "client_id is missing");
    return this.#clients.get(clientId) ?? oauthError("invalid_client", "There is no such client", 401);
  }
}

function parseMetadata({ headers, body }: Call): Readonly<Record<string, unknown>> | undefined {
  if (!(headers.get("content-type") ?? "").toLowerCase().startsWith("application/json")) return undefined;
  return parseJsonObject(body);
}

/**
 * Returns the first mistake in the metadata of a client. The rules are in RFC 7591, section 2, and
 * in the Client-Server API 1.15, "Client metadata".
 */
function findMetadataProblem(
  metadata: Readonly<Record<string, unknown>>,
): [error: string, description: string] | undefined {
  const bad = (state: string): [string, string] => ["invalid_client_metadata", state];
  const home = parseHttpsUrl(metadata.client_uri);
  if (home === undefined) return bad("client_uri must be an https address without user and password");
  for (const key of ["logo_uri", "tos_uri", "policy_uri"]) {
    if (metadata[key] === undefined) continue;
    const host = parseHttpsUrl(metadata[key])?.hostname;
    if (host !== home.hostname && !host?.endsWith(`.${home.hostname}`)) {
      return bad(`${key} must be an https address on the host of client_uri`);
    }
  }
  if (!["web", "native"].includes(String(metadata.application_type ?? "web"))) {
    return bad("application_type must be web or native");
  }
  // The only allowed value is the word `none`. The default of RFC 7591, `client_secret_basic`, is
  // not allowed here. Therefore the field must not be missing.
  if (metadata.token_endpoint_auth_method !== "none") return bad("token_endpoint_auth_method must be none");
  const grants = texts(metadata.grant_types, ["authorization_code"]);
  const hasCode = texts(metadata.response_types, ["code"]).includes("code");
  if (hasCode !== grants.includes("authorization_code")) {
    return bad("the response type code and the grant type authorization_code go together");
  }
  if (hasCode && texts(metadata.redirect_uris, []).length === 0) {
    return ["invalid_redirect_uri", "authorization_code needs redirect_uris"];
  }
  return undefined;
}

function parseHttpsUrl(value: unknown): URL | undefined {
  const url = typeof value === "string" ? URL.parse(value) : null;
  if (url === null || url.protocol !== "https:" || url.username !== "" || url.password !== "") return undefined;
  return url;
}

function texts(value: unknown, fallback: readonly string[]): readonly string[] {
  return value === undefined ? fallback : Array.isArray(value) ? value.map(String) : [];
}
