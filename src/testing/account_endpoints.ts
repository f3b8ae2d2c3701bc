/** The endpoints for discovery, login, devices, account data and display names. */

import { isObject } from "../base/fields.ts";
import type { TokenPair } from "./accounts.ts";
import { type Answer, jsonAnswer, matrixError } from "./answer.ts";
import type { JsonObject } from "./content.ts";
import type { AuthenticatedRequest, EndpointRequest, HomeserverState } from "./homeserver_state.ts";
import type { HomeserverSoftware } from "./homeserver_types.ts";

const SERVER_VERSIONS: Readonly<Record<HomeserverSoftware, string>> = {
  Synapse: "1.163.2",
  Dendrite: "0.15.2",
  Conduit: "0.10.0",
};

/** The maximum length of a device name in Synapse (`handlers/device.py`). */
const MAX_DEVICE_NAME_CHARS = 100;

/** The maximum length of a display name in Synapse (`handlers/profile.py`). */
const MAX_DISPLAY_NAME_CHARS = 256;

export function versions({ software }: HomeserverState): Answer {
  const last = { Synapse: 15, Dendrite: 2, Conduit: 5 }[software];
  const stable = Array.from({ length: last }, (_, index) => `v1.${index + 1}`);
  const features = software === "Synapse" ? { "io.element.e2ee_forced.public": false } : {};
  return jsonAnswer(200, { versions: ["r0.0.1", "r0.5.0", "r0.6.1", ...stable], unstable_features: features });
}

export function wellKnown({ software }: HomeserverState, { host }: EndpointRequest): Answer {
  const slash = software === "Synapse" ? "/" : "";
  return jsonAnswer(200, { "m.homeserver": { base_url: `http://${host}${slash}` } });
}

export function federationVersion({ software }: HomeserverState): Answer {
  return jsonAnswer(200, { server: { name: software, version: SERVER_VERSIONS[software] } });
}

export function authMetadata({ delegation }: HomeserverState): Answer {
  if (delegation !== undefined) return jsonAnswer(200, delegation.metadata);
  return matrixError(404, "M_UNRECOGNIZED", "Unrecognized request");
}

export function whoami(_state: HomeserverState, { token }: AuthenticatedRequest): Answer {
  const { userId, deviceId } = token;
  return jsonAnswer(200, { user_id: userId, is_guest: false, ...deviceId !== undefined && { device_id: deviceId } });
}

export function loginFlows({ logins }: HomeserverState): Answer {
  const sso = logins.ssoUser === undefined ? [] : [{ type: "m.login.sso" }, { type: "m.login.token" }];
  return jsonAnswer(200, { flows: [...logins.passwords ? [{ type: "m.login.password" }] : [], ...sso] });
}

export function login(state: HomeserverState, { body: { value } }: EndpointRequest): Answer {
  const { accounts, logins, software } = state;
  const waitMs = logins.checkRate();
  if (waitMs > 0) return tooManyRequests(state, waitMs);
  const userId = authenticate(state, value);
  if (typeof userId !== "string") return userId;
  const { device_id, initial_device_display_name: name, refresh_token: wantsRefresh } = value;
  const deviceId = typeof device_id === "string" ? device_id : crypto.randomUUID().slice(0, 8).toUpperCase();
  const device = { deviceId, ...typeof name === "string" && { deviceName: name } };
  const identity = { user_id: userId, device_id: deviceId, home_server: state.serverName };
  if (wantsRefresh === true && software === "Synapse") {
    return jsonAnswer(200, {
      ...identity,
      ...toTokenResponse(logins.begin(accounts, userId, device), logins.lifetimeMs),
    });
  }
  return jsonAnswer(200, { ...identity, access_token: accounts.addToken(userId, device) });
}

export function refresh({ accounts, logins, software }: HomeserverState, { body: { value } }: EndpointRequest): Answer {
  if (software !== "Synapse") return matrixError(404, "M_UNRECOGNIZED", "Unrecognized request");
  if (typeof value.refresh_token !== "string") {
    return matrixError(400, "M_MISSING_PARAM", "Missing params: refresh_token");
  }
  const refreshed = logins.refresh(accounts, value.refresh_token);
  if (refreshed === "unknown") return matrixError(401, "M_UNKNOWN_TOKEN", "refresh token does not exist");
  if (refreshed === "used") return matrixError(403, "M_FORBIDDEN", "refresh token isn't valid anymore");
  return jsonAnswer(200, toTokenResponse(refreshed, logins.lifetimeMs));
}

/** Ends a single sign-on. Redirects the browser to the client, with a login token in the URL. */
export function ssoRedirect({ logins }: HomeserverState, { query }: EndpointRequest): Answer {
  const target = URL.parse(query.get("redirectUrl") ?? "");
  if (logins.ssoUser === undefined) return matrixError(404, "M_UNRECOGNIZED", "Unrecognized request");
  if (target === null) return matrixError(400, "M_MISSING_PARAM", "Missing string query parameter redirectUrl");
  target.searchParams.set("loginToken", logins.addLoginToken(logins.ssoUser));
  return { status: 302, headers: { location: target.href }, body: "" };
}

export function logout({ accounts, logins, transactions }: HomeserverState, { token }: AuthenticatedRequest): Answer {
  accounts.removeDevice(token);
  logins.removeDevice(token.userId, token.deviceId);
  transactions.removeDevice(token);
  return jsonAnswer(200, {});
}

export function devices({ accounts }: HomeserverState, { token }: AuthenticatedRequest): Answer {
  return jsonAnswer(200, { devices: accounts.devices(token.userId) });
}

export function nameDevice({ accounts }: HomeserverState, { token, params, body }: AuthenticatedRequest): Answer {
  const { display_name: name } = body.value;
  if (typeof name !== "string") return matrixError(400, "M_BAD_JSON", "display_name must be a string");
  if (name.length > MAX_DEVICE_NAME_CHARS) {
    return matrixError(400, "M_TOO_LARGE", `Device display name is too long (max ${MAX_DEVICE_NAME_CHARS})`);
  }
  const isKnown = accounts.nameDevice(token.userId, params.deviceId ?? "", name);
  return isKnown ? jsonAnswer(200, {}) : matrixError(404, "M_NOT_FOUND", "No device found");
}

/**
 * Checks the credentials of a login.
 *
 * @returns the user id, or an error answer if the credentials are wrong
 */
function authenticate({ accounts, logins, serverName }: HomeserverState, request: JsonObject): string | Answer {
  const { type, identifier, password, token } = request;
  if (type === "m.login.token" && logins.ssoUser !== undefined) {
    const userId = typeof token === "string" ? logins.takeLoginToken(token) : undefined;
    return userId ?? matrixError(403, "M_FORBIDDEN", "Invalid login token");
  }
  if (type !== "m.login.password" || !logins.passwords) {
    return matrixError(400, "M_UNKNOWN", `Unknown login type ${String(type)}`);
  }
  const isNamed = isObject(identifier) && identifier.type === "m.id.user" && typeof identifier.user === "string";
  if (!isNamed || typeof password !== "string") {
    return matrixError(400, "M_MISSING_PARAM", "Missing identifier or password");
  }
  const user = String(identifier.user);
  const userId = user.startsWith("@") ? user : `@${user}:${serverName}`;
  return accounts.hasPassword(userId, password)
    ? userId
    : matrixError(403, "M_FORBIDDEN", "Invalid username or password");
}

function toTokenResponse(
  { accessToken, refreshToken }: TokenPair,
  lifetimeMs: number,
): JsonObject {
  return { access_token: accessToken, refresh_token: refreshToken, expires_in_ms: lifetimeMs };
}

/**
 * Creates the error for too many requests. Synapse sends the waiting time in the body and in the
 * header `Retry-After`. Dendrite sends the waiting time only in the body.
 */
function tooManyRequests({ software }: HomeserverState, waitMs: number): Answer {
  const body = { errcode: "M_LIMIT_EXCEEDED", error: "Too Many Requests", retry_after_ms: waitMs };
  const headers = { "retry-after": String(Math.ceil(waitMs / 1000)) };
  return jsonAnswer(429, body, software === "Synapse" ? headers : {});
}

export function getAccountData({ accountData }: HomeserverState, { params, token }: AuthenticatedRequest): Answer {
  const { userId = "", type = "" } = params;
  if (userId !== token.userId) return matrixError(403, "M_FORBIDDEN", "Cannot get account data for other users.");
  const content = accountData.get(userId)?.get(type);
  if (content === undefined) return matrixError(404, "M_NOT_FOUND", "Account data not found");
  return jsonAnswer(200, content);
}

export function putAccountData(
  { accountData }: HomeserverState,
  { params, token, body }: AuthenticatedRequest,
): Answer {
  const { userId = "", type = "" } = params;
  if (userId !== token.userId) return matrixError(403, "M_FORBIDDEN", "Cannot add account data for other users.");
  const own = accountData.get(userId) ?? new Map();
  accountData.set(userId, own.set(type, body.value));
  return jsonAnswer(200, {});
}

/**
 * Returns the display name of a user. As on Synapse, the default is the local part of the user id.
 */
export function getDisplayName(
  { accounts, displayNames, serverName }: HomeserverState,
  { params }: EndpointRequest,
): Answer {
  const { userId = "" } = params;
  const server = userId.slice(userId.indexOf(":") + 1);
  // Only the user's own server knows if the user exists (Synapse, `handlers/profile.py`).
  if (server !== serverName) return matrixError(403, "M_FORBIDDEN", `Federation denied with ${server}.`);
  if (!accounts.hasUser(userId)) return matrixError(404, "M_NOT_FOUND", "Profile was not found");
  return jsonAnswer(200, { displayname: displayNames.get(userId) ?? userId.slice(1).split(":")[0] });
}

export function setDisplayName(
  { displayNames }: HomeserverState,
  { params, token, body }: AuthenticatedRequest,
): Answer {
  const { userId = "" } = params;
  const { displayname } = body.value;
  // Synapse uses status 400 for this error, but 403 for most other errors with M_FORBIDDEN.
  if (userId !== token.userId) return matrixError(400, "M_FORBIDDEN", "Cannot set another user's displayname");
  if (typeof displayname !== "string") return matrixError(400, "M_BAD_JSON", "Missing key 'displayname'");
  if (displayname.length > MAX_DISPLAY_NAME_CHARS) {
    return matrixError(400, "M_UNKNOWN", `Displayname is too long (max ${MAX_DISPLAY_NAME_CHARS})`);
  }
  displayNames.set(userId, displayname);
  return jsonAnswer(200, {});
}
