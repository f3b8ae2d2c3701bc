/** The endpoints of a loopback authorization server, and what they do. */

import { type Answer, jsonAnswer } from "./answer.ts";
import { type Form, isAnswer, NO_STORE, oauthError, readForm } from "./authorization_answers.ts";
import { type Client, type Clients, DEVICE_CODE_GRANT } from "./authorization_clients.ts";
import type { Grants } from "./authorization_grants.ts";
import { readScope } from "./authorization_scope.ts";
import type { Sessions } from "./authorization_sessions.ts";
import type { AuthorizationServerOptions } from "./authorization_types.ts";
import { matchRoute, type Route } from "./routes.ts";
import type { Call } from "./server.ts";

/** The name of an endpoint of {@linkcode LoopbackAuthorizationServer}, for the `on` of a fault and in the log of requests. */
export type AuthorizationRouteName = "metadata" | "register" | "device" | "token" | "revoke";

/** What the endpoints work on. */
export interface Office {
  readonly options: AuthorizationServerOptions;
  readonly clients: Clients;
  readonly grants: Grants;
  readonly sessions: Sessions;
}

const ROUTES: readonly Route<AuthorizationRouteName>[] = [
  { name: "metadata", method: "GET", path: "/.well-known/openid-configuration" },
  { name: "metadata", method: "GET", path: "/.well-known/oauth-authorization-server" },
  { name: "register", method: "POST", path: "/register" },
  { name: "device", method: "POST", path: "/device" },
  { name: "token", method: "POST", path: "/token" },
  { name: "revoke", method: "POST", path: "/revoke" },
];

export function route(method: string, path: string): AuthorizationRouteName | undefined {
  const match = matchRoute(ROUTES, method, path);
  return match.kind === "route" ? match.route.name : undefined;
}

/** The metadata of the server (RFC 8414). */
export function metadata({ deviceAuthorization = true }: AuthorizationServerOptions, url: string): object {
  return {
    issuer: `${url}/`,
    authorization_endpoint: `${url}/authorize`,
    token_endpoint: `${url}/token`,
    registration_endpoint: `${url}/register`,
    revocation_endpoint: `${url}/revoke`,
    ...deviceAuthorization && { device_authorization_endpoint: `${url}/device` },
    response_types_supported: ["code"],
    response_modes_supported: ["query", "fragment"],
    grant_types_supported: [
      "authorization_code",
      "refresh_token",
      ...deviceAuthorization ? [DEVICE_CODE_GRANT] : [],
    ],
    code_challenge_methods_supported: ["S256"],
    token_endpoint_auth_methods_supported: ["none"],
    account_management_uri: `${url}/account`,
  };
}

/** Does what a request asks for. */
export async function handle(office: Office, call: Call, url: string): Promise<Answer> {
  await call.ready();
  const match = matchRoute(ROUTES, call.method, call.path);
  if (match.kind === "wrong-method") return oauthError("invalid_request", "Method not allowed", 405);
  if (match.kind === "unknown") return oauthError("invalid_request", "Not found", 404);
  switch (match.route.name) {
    case "metadata":
      return jsonAnswer(200, metadata(office.options, url));
    case "register":
      return office.clients.register(call);
    case "device":
      return withClient(office, call, (client, form) => begin(office, client, form, url));
    case "token":
      return withClient(office, call, (client, form) => token(office, client, form));
    case "revoke":
      return revoke(office, call);
  }
}

function withClient({ clients }: Office, call: Call, run: (client: Client, form: Form) => Answer): Answer {
  const form = readForm(call);
  if (isAnswer(form)) return form;
  const client = clients.recognise(call, form);
  return isAnswer(client) ? client : run(client, form);
}

function begin({ options, grants }: Office, client: Client, form: Form, url: string): Answer {
  if (options.deviceAuthorization === false) return oauthError("invalid_request", "Not found", 404);
  if (!client.grantTypes.includes(DEVICE_CODE_GRANT)) {
    return oauthError("unauthorized_client", "The client is not registered for device authorization");
  }
  const scope = form.get("scope");
  const read = readScope(scope);
  if ("problem" in read) return oauthError("invalid_scope", read.problem);
  return grants.begin(client, { scope: scope ?? "", deviceId: read.deviceId }, url);
}

function token({ grants, sessions }: Office, client: Client, form: Form): Answer {
  const grantType = form.get("grant_type");
  if (grantType === undefined) return oauthError("invalid_request", "grant_type is missing");
  if (grantType !== DEVICE_CODE_GRANT && grantType !== "refresh_token") {
    return oauthError("unsupported_grant_type", `The grant type ${grantType} is not supported`);
  }
  if (!client.grantTypes.includes(grantType)) {
    return oauthError("unauthorized_client", `The client is not registered for ${grantType}`);
  }
  const proof = grantType === "refresh_token" ? "refresh_token" : "device_code";
  const value = form.get(proof);
  if (value === undefined) return oauthError("invalid_request", `${proof} is missing`);
  if (proof === "refresh_token") return sessions.renew(client, value);
  const granted = grants.redeem(client, value);
  return isAnswer(granted) ? granted : sessions.begin(client, granted);
}

/** Whoever knows a token may end it, as the specification of Matrix recommends; only a client that is none is refused. */
function revoke({ clients, sessions }: Office, call: Call): Answer {
  const form = readForm(call);
  if (isAnswer(form)) return form;
  const client = form.has("client_id") ? clients.recognise(call, form) : undefined;
  if (client !== undefined && isAnswer(client)) return client;
  const token = form.get("token");
  if (token === undefined) return oauthError("invalid_request", "token is missing");
  const hint = form.get("token_type_hint");
  if (hint !== undefined && hint !== "access_token" && hint !== "refresh_token") {
    return oauthError("unsupported_token_type", `There is no token type ${hint}`);
  }
  sessions.revoke(token);
  return { status: 200, headers: NO_STORE, body: "" };
}
