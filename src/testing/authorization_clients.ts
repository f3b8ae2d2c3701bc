/** The clients of a loopback authorization server: their registration (RFC 7591) and their recognition. */

import { type Answer, jsonAnswer } from "./answer.ts";
import { type Form, NO_STORE, oauthError } from "./authorization_answers.ts";
import type { Call } from "./server.ts";

/** A registered client. */
export interface Client {
  readonly clientId: string;
  readonly grantTypes: readonly string[];
}

export const DEVICE_CODE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";

/** Values that the server does not understand are left out, as the specification of Matrix has it. */
const GRANT_TYPES: readonly string[] = ["authorization_code", "refresh_token", DEVICE_CODE_GRANT];

/** All clients. */
export class Clients {
  readonly #clients = new Map<string, Client>();

  /** Registers a client, or says why not. */
  register(call: Call): Answer {
    const metadata = readMetadata(call);
    if (metadata === undefined) return oauthError("invalid_client_metadata", "The body must be a JSON object");
    const problem = problemOf(metadata);
    if (problem !== undefined) return oauthError(...problem);
    const grantTypes = texts(metadata.grant_types, ["authorization_code"]).filter((type) => GRANT_TYPES.includes(type));
    const clientId = crypto.randomUUID();
    this.#clients.set(clientId, { clientId, grantTypes });
    const registered = { ...metadata, client_id: clientId, grant_types: grantTypes };
    return jsonAnswer(201, registered, NO_STORE);
  }

  /** The client of a request. They are public ones: whoever brings a secret is somebody else. */
  recognise({ headers }: Call, form: Form): Client | Answer {
    if (headers.has("authorization") || form.has("client_secret")) {
      return oauthError("invalid_client", "This client has no secret", 401);
    }
    const clientId = form.get("client_id");
    if (clientId === undefined) return oauthError("invalid_request", "client_id is missing");
    return this.#clients.get(clientId) ?? oauthError("invalid_client", "There is no such client", 401);
  }
}

function readMetadata({ headers, body }: Call): Readonly<Record<string, unknown>> | undefined {
  if (!(headers.get("content-type") ?? "").toLowerCase().startsWith("application/json")) return undefined;
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** What is wrong with a client's metadata (RFC 7591, section 2; Client-Server API 1.15, "Client metadata"). */
function problemOf(metadata: Readonly<Record<string, unknown>>): [error: string, description: string] | undefined {
  const bad = (state: string): [string, string] => ["invalid_client_metadata", state];
  const home = webAddress(metadata.client_uri);
  if (home === undefined) return bad("client_uri must be an https address without user and password");
  for (const key of ["logo_uri", "tos_uri", "policy_uri"]) {
    if (metadata[key] === undefined) continue;
    const host = webAddress(metadata[key])?.hostname;
    if (host !== home.hostname && !host?.endsWith(`.${home.hostname}`)) {
      return bad(`${key} must be an https address on the host of client_uri`);
    }
  }
  if (!["web", "native"].includes(String(metadata.application_type ?? "web"))) {
    return bad("application_type must be web or native");
  }
  // Without this field a client asks for client_secret_basic.
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

function webAddress(value: unknown): URL | undefined {
  const url = typeof value === "string" ? URL.parse(value) : null;
  if (url === null || url.protocol !== "https:" || url.username !== "" || url.password !== "") return undefined;
  return url;
}

function texts(value: unknown, fallback: readonly string[]): readonly string[] {
  return value === undefined ? fallback : Array.isArray(value) ? value.map(String) : [];
}
