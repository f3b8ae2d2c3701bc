/** A loopback OAuth 2.0 authorization server. */

import { type Answer, jsonAnswer } from "./answer.ts";
import {
  type Client,
  Clients,
  DEVICE_CODE_GRANT,
  type Form,
  isAnswer,
  NO_STORE,
  oauthError,
  parseForm,
} from "./authorization_clients.ts";
import {
  type AuthorizationServerOptions,
  DeviceGrants,
  type Introspection,
  type OAuthSession,
  Sessions,
} from "./authorization_sessions.ts";
import { COMMON_FAULTS, type CommonFaultName, type FaultPlan, instead, retryAfterSeconds } from "./faults.ts";
import { matchRoute, type Route } from "./routes.ts";
import { type Call, LoopbackServer } from "./server.ts";

/** The name of a fault (a simulated error) of {@linkcode LoopbackAuthorizationServer}. */
export type AuthorizationFaultName =
  | CommonFaultName
  | "500"
  | "503"
  | "429-retry-after-seconds"
  | "slow-down"
  | "invalid-grant"
  | "invalid-client";

const AUTHORIZATION_FAULTS: Readonly<Record<AuthorizationFaultName, FaultPlan>> = {
  ...COMMON_FAULTS,
  "500": instead(oauthError("server_error", "Internal server error", 500)),
  "503": instead(oauthError("temporarily_unavailable", "Down for maintenance", 503)),
  "429-retry-after-seconds": {
    acts: false,
    outcome: (details) => ({
      ...oauthError("temporarily_unavailable", "Too many requests", 429),
      headers: { "content-type": "application/json", ...retryAfterSeconds(details) },
    }),
  },
  "slow-down": instead(oauthError("slow_down", "The client polls too fast")),
  "invalid-grant": instead(oauthError("invalid_grant", "The session is over")),
  "invalid-client": instead(oauthError("invalid_client", "There is no such client", 401)),
};

/**
 * The default lifetime of an access token, in milliseconds. The program
 * matrix-authentication-service has the same default.
 */
const DEFAULT_LIFETIME_MS = 5 * 60_000;

/**
 * An authorization server on 127.0.0.1. It supports metadata, registration, device authorization,
 * refresh tokens and revocation. Each use of a refresh token creates a new refresh token. The
 * server is as strict as RFC 6749, RFC 7009, RFC 7591 and RFC 8628. A
 * {@linkcode LoopbackHomeserver} can delegate its logins to this server. The test calls
 * {@linkcode LoopbackAuthorizationServer.approve} or {@linkcode LoopbackAuthorizationServer.deny}
 * in place of a user in the browser. All data is in memory and survives
 * {@linkcode LoopbackServer.restart}.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { LoopbackAuthorizationServer, LoopbackHomeserver } from "./mod.ts";
 *
 * await using authorizationServer = await LoopbackAuthorizationServer.start();
 * await using homeserver = await LoopbackHomeserver.start({ authorizationServer });
 * const answer = await fetch(`${homeserver.url}/_matrix/client/v1/auth_metadata`);
 * const { token_endpoint } = await answer.json();
 * assertEquals(token_endpoint, `${authorizationServer.url}/token`);
 * ```
 */
export class LoopbackAuthorizationServer extends LoopbackServer<AuthorizationFaultName, AuthorizationRouteName> {
  readonly #state: State;

  private constructor(state: State) {
    super({
      faults: AUTHORIZATION_FAULTS,
      defaultRoute: "token",
      route,
      handle: (call) => handle(state, call, this.url),
    }, state.options);
    this.#state = state;
  }

  /**
   * Starts an authorization server without clients and sessions. By default, faults (simulated
   * errors) apply to the token endpoint.
   *
   * @throws {Deno.errors.AddrInUse} if the port is in use
   */
  static start(options: AuthorizationServerOptions = {}): Promise<LoopbackAuthorizationServer> {
    const { accessTokenLifetimeMs = DEFAULT_LIFETIME_MS, now = Date.now } = options;
    return Promise.try(() =>
      new LoopbackAuthorizationServer({
        options,
        clients: new Clients(),
        grants: new DeviceGrants(options, now),
        sessions: new Sessions(accessTokenLifetimeMs, now),
      })
    );
  }

  /** Returns the user codes of the logins that wait for a user, oldest first. */
  get userCodes(): readonly string[] {
    return this.#state.grants.pendingUserCodes;
  }

  /** Returns all sessions, oldest first. */
  get sessions(): readonly OAuthSession[] {
    return this.#state.sessions.list();
  }

  /** Returns the metadata of the server. */
  get metadata(): object {
    return metadata(this.#state.options, this.url);
  }

  /**
   * Confirms a login. The test calls this method in place of a user in a browser.
   *
   * @param userCode the code, with or without its hyphen
   * @param localpart the part of the user id between `@` and the colon
   * @throws {Error} if there is no waiting login with this code
   */
  approve(userCode: string, localpart: string): void {
    this.#state.grants.approve(userCode, localpart);
  }

  /**
   * Refuses a login. The test calls this method in place of a user in a browser.
   *
   * @throws {Error} if there is no waiting login with this code
   */
  deny(userCode: string): void {
    this.#state.grants.deny(userCode);
  }

  /**
   * Makes the codes of a login expire now.
   *
   * @throws {Error} if there is no waiting login with this code
   */
  expire(userCode: string): void {
    this.#state.grants.expire(userCode);
  }

  /** Ends the session of a token, as if the user had logged out the device. */
  endSession(token: string): void {
    this.#state.sessions.revoke(token);
  }

  /**
   * Finds the owner of an access token. Returns undefined if the token is not valid. A homeserver
   * calls this method to check a token.
   */
  introspect(accessToken: string): Introspection | undefined {
    return this.#state.sessions.introspect(accessToken);
  }
}

/**
 * The name of an endpoint of {@linkcode LoopbackAuthorizationServer}. It appears in the request
 * log, and in the option `on` of a fault.
 */
export type AuthorizationRouteName = "metadata" | "register" | "device" | "token" | "revoke";

interface State {
  readonly options: AuthorizationServerOptions;
  readonly clients: Clients;
  readonly grants: DeviceGrants;
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

function route(method: string, path: string): AuthorizationRouteName | undefined {
  const match = matchRoute(ROUTES, method, path);
  return match.kind === "route" ? match.route.name : undefined;
}

/** Creates the metadata of the server (RFC 8414). */
function metadata({ deviceAuthorization = true }: AuthorizationServerOptions, url: string): object {
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

async function handle(state: State, call: Call, url: string): Promise<Answer> {
  await call.ready();
  const match = matchRoute(ROUTES, call.method, call.path);
  if (match.kind === "wrong-method") return oauthError("invalid_request", "Method not allowed", 405);
  if (match.kind === "unknown") return oauthError("invalid_request", "Not found", 404);
  switch (match.route.name) {
    case "metadata":
      return jsonAnswer(200, metadata(state.options, url));
    case "register":
      return state.clients.register(call);
    case "device":
      return withClient(state, call, (client, form) => begin(state, client, form, url));
    case "token":
      return withClient(state, call, (client, form) => token(state, client, form));
    case "revoke":
      return revoke(state, call);
  }
}

function withClient({ clients }: State, call: Call, run: (client: Client, form: Form) => Answer): Answer {
  const form = parseForm(call);
  if (isAnswer(form)) return form;
  const client = clients.recognize(call, form);
  return isAnswer(client) ? client : run(client, form);
}

function begin({ options, grants }: State, client: Client, form: Form, url: string): Answer {
  if (options.deviceAuthorization === false) return oauthError("invalid_request", "Not found", 404);
  if (!client.grantTypes.includes(DEVICE_CODE_GRANT)) {
    return oauthError("unauthorized_client", "The client is not registered for device authorization");
  }
  const scope = form.get("scope");
  const parsed = parseScope(scope);
  if ("problem" in parsed) return oauthError("invalid_scope", parsed.problem);
  return grants.begin(client, { scope: scope ?? "", deviceId: parsed.deviceId }, url);
}

function token({ grants, sessions }: State, client: Client, form: Form): Answer {
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
  if (proof === "refresh_token") return sessions.refresh(client, value);
  const granted = grants.redeem(client, value);
  return isAnswer(granted) ? granted : sessions.begin(client, granted);
}

/**
 * Revokes a token. The parameter `client_id` is optional, as the Matrix specification recommends.
 * If `client_id` is present, it must be the id of a registered client.
 */
function revoke({ clients, sessions }: State, call: Call): Answer {
  const form = parseForm(call);
  if (isAnswer(form)) return form;
  const client = form.has("client_id") ? clients.recognize(call, form) : undefined;
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

const API = "urn:matrix:client:api:*";
const DEVICE = "urn:matrix:client:device:";

/** Finds the device id in a scope (Client-Server API 1.15, "Scope"). */
function parseScope(scope: string | undefined): { readonly deviceId: string } | { readonly problem: string } {
  if (scope === undefined) return { problem: "scope is missing" };
  const tokens = scope.split(" ");
  const [device, ...more] = tokens.filter((token) => token.startsWith(DEVICE));
  if (device === undefined || more.length > 0) return { problem: "there must be exactly one device in the scope" };
  if (!tokens.includes(API)) return { problem: `${API} is missing` };
  const unknown = tokens.find((token) => token !== API && token !== device);
  if (unknown !== undefined) return { problem: `${unknown === "" ? "an empty token" : unknown} is not a known scope` };
  const deviceId = device.slice(DEVICE.length);
  if (/^[A-Za-z0-9._~-]{10,}$/.test(deviceId)) return { deviceId };
  return { problem: "a device id has ten unreserved characters or more" };
}
