/** Endpoints of sessions: how they begin, go on and end. */

import { type Answer, jsonAnswer, matrixError } from "./answer.ts";
import type { JsonObject } from "./content.ts";
import type { Ask, TokenAsk, World } from "./world.ts";

export function loginFlows({ logins }: World): Answer {
  const sso = logins.ssoUser === undefined ? [] : [{ type: "m.login.sso" }, { type: "m.login.token" }];
  return jsonAnswer(200, { flows: [...logins.passwords ? [{ type: "m.login.password" }] : [], ...sso] });
}

export function login(world: World, { body: { value } }: Ask): Answer {
  const { accounts, logins, software } = world;
  const waitMs = logins.limit();
  if (waitMs > 0) return limited(world, waitMs);
  const userId = authenticate(world, value);
  if (typeof userId !== "string") return userId;
  const { device_id, initial_device_display_name: name, refresh_token: wantsRefresh } = value;
  const deviceId = typeof device_id === "string" ? device_id : crypto.randomUUID().slice(0, 8).toUpperCase();
  const device = { deviceId, ...typeof name === "string" && { deviceName: name } };
  const identity = { user_id: userId, device_id: deviceId, home_server: world.serverName };
  if (wantsRefresh === true && software === "Synapse") {
    return jsonAnswer(200, { ...identity, ...pairOf(logins.begin(accounts, userId, device), logins.lifetimeMs) });
  }
  return jsonAnswer(200, { ...identity, access_token: accounts.addToken(userId, device) });
}

export function refresh({ accounts, logins, software }: World, { body: { value } }: Ask): Answer {
  if (software !== "Synapse") return matrixError(404, "M_UNRECOGNIZED", "Unrecognized request");
  if (typeof value.refresh_token !== "string") {
    return matrixError(400, "M_MISSING_PARAM", "Missing params: refresh_token");
  }
  const refreshed = logins.refresh(accounts, value.refresh_token);
  if (refreshed === "unknown") return matrixError(401, "M_UNKNOWN_TOKEN", "refresh token does not exist");
  if (refreshed === "over") return matrixError(403, "M_FORBIDDEN", "refresh token isn't valid anymore");
  return jsonAnswer(200, pairOf(refreshed, logins.lifetimeMs));
}

/** The browser comes back to where the client waits for it. */
export function ssoRedirect({ logins }: World, { query }: Ask): Answer {
  const target = URL.parse(query.get("redirectUrl") ?? "");
  if (logins.ssoUser === undefined) return matrixError(404, "M_UNRECOGNIZED", "Unrecognized request");
  if (target === null) return matrixError(400, "M_MISSING_PARAM", "Missing string query parameter redirectUrl");
  target.searchParams.set("loginToken", logins.addLoginToken(logins.ssoUser));
  return { status: 302, headers: { location: target.href }, body: "" };
}

export function logout({ accounts, logins, transactions }: World, { token }: TokenAsk): Answer {
  accounts.endDevice(token);
  logins.end(token.userId, token.deviceId);
  transactions.forgetDevice(token);
  return jsonAnswer(200, {});
}

export function devices({ accounts }: World, { token }: TokenAsk): Answer {
  return jsonAnswer(200, { devices: accounts.devices(token.userId) });
}

export function nameDevice({ accounts }: World, { token, params, body }: TokenAsk): Answer {
  const { display_name: name } = body.value;
  if (typeof name !== "string") return matrixError(400, "M_BAD_JSON", "display_name must be a string");
  const isKnown = accounts.nameDevice(token.userId, params.deviceId ?? "", name);
  return isKnown ? jsonAnswer(200, {}) : matrixError(404, "M_NOT_FOUND", "No device found");
}

/** Who logs in, or the answer that refuses it. */
function authenticate({ accounts, logins, serverName }: World, asked: JsonObject): string | Answer {
  const { type, identifier, password, token } = asked;
  if (type === "m.login.token" && logins.ssoUser !== undefined) {
    const userId = typeof token === "string" ? logins.takeLoginToken(token) : undefined;
    return userId ?? matrixError(403, "M_FORBIDDEN", "Invalid login token");
  }
  if (type !== "m.login.password" || !logins.passwords) {
    return matrixError(400, "M_UNKNOWN", `Unknown login type ${String(type)}`);
  }
  const isNamed = typeof identifier === "object" && identifier !== null && "type" in identifier &&
    identifier.type === "m.id.user" && "user" in identifier && typeof identifier.user === "string";
  if (!isNamed || typeof password !== "string") {
    return matrixError(400, "M_MISSING_PARAM", "Missing identifier or password");
  }
  const user = String(identifier.user);
  const userId = user.startsWith("@") ? user : `@${user}:${serverName}`;
  return accounts.has(userId, password) ? userId : matrixError(403, "M_FORBIDDEN", "Invalid username or password");
}

function pairOf(
  { accessToken, refreshToken }: { accessToken: string; refreshToken: string },
  lifetimeMs: number,
): JsonObject {
  return { access_token: accessToken, refresh_token: refreshToken, expires_in_ms: lifetimeMs };
}

/** Synapse says it twice, Dendrite in the body alone. */
function limited({ software }: World, waitMs: number): Answer {
  const body = { errcode: "M_LIMIT_EXCEEDED", error: "Too Many Requests", retry_after_ms: waitMs };
  const headers = { "retry-after": String(Math.ceil(waitMs / 1000)) };
  return jsonAnswer(429, body, software === "Synapse" ? headers : {});
}
