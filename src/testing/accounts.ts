/**
 * The users of a loopback homeserver, with their access tokens, devices, logins and refresh tokens.
 * An authorization server can manage the logins instead of the homeserver (delegation).
 *
 * @module
 */

import { type Answer, matrixError } from "./answer.ts";
import type { LoopbackAuthorizationServer } from "./authorization_server.ts";
import type { Introspection } from "./authorization_sessions.ts";
import type { HomeserverOptions, HomeserverSoftware, Token } from "./homeserver_types.ts";

interface TokenState extends Token {
  state: "valid" | "revoked" | "expired";
  /** True if a request has used the token. */
  used: boolean;
  /**
   * The time at which the token expires, in milliseconds since 1970. Absent if the token does not
   * expire.
   */
  readonly expiresAt?: number;
}

/** Options of a new access token. */
export interface TokenOptions {
  readonly deviceId: string | undefined;
  /** The display name of the device. Used only if the device is new. */
  readonly deviceName?: string;
  /** The lifetime of the token, in milliseconds. Unlimited by default. */
  readonly lifetimeMs?: number;
}

/** A device as the API returns it. */
export interface Device {
  readonly device_id: string;
  readonly display_name?: string;
}

/**
 * Stores users and access tokens. Revoked and expired tokens stay stored, because a revoked token
 * and an expired token get different errors.
 */
export class Accounts {
  readonly #software: HomeserverSoftware;
  readonly #delegation: Delegation | undefined;
  readonly #now: () => number;
  /** The passwords, by user id. */
  readonly #users = new Map<string, string>();
  readonly #tokens = new Map<string, TokenState>();
  readonly #deviceNames = new Map<string, string>();

  constructor(software: HomeserverSoftware, now: () => number, delegation?: Delegation) {
    this.#software = software;
    this.#now = now;
    this.#delegation = delegation;
  }

  addUser(userId: string, password: string): void {
    if (this.#users.has(userId)) throw new Error(`Cannot add ${userId}: the user exists`);
    this.#users.set(userId, password);
  }

  hasUser(userId: string): boolean {
    return this.#users.has(userId);
  }

  hasPassword(userId: string, password: string): boolean {
    return this.#users.get(userId) === password;
  }

  /**
   * Creates a token. Dendrite allows only one token per device. Therefore, the Dendrite simulation
   * revokes the old token of the device.
   */
  addToken(userId: string, { deviceId, deviceName, lifetimeMs }: TokenOptions): string {
    if (!this.#users.has(userId)) throw new Error(`Cannot add a token for ${userId}: the user does not exist`);
    if (this.#software === "Dendrite" && deviceId !== undefined) {
      for (const old of this.#tokensOfDevice(userId, deviceId)) old.state = "revoked";
    }
    const accessToken = `syt_${crypto.randomUUID().replaceAll("-", "")}`;
    const expiry = lifetimeMs === undefined ? {} : { expiresAt: this.#now() + lifetimeMs };
    if (deviceName !== undefined && this.devices(userId).every(({ device_id }) => device_id !== deviceId)) {
      this.#deviceNames.set(`${userId} ${deviceId}`, deviceName);
    }
    this.#tokens.set(accessToken, { accessToken, userId, deviceId, state: "valid", used: false, ...expiry });
    return accessToken;
  }

  /** Lists the devices of a user. Devices whose tokens are all revoked are left out. */
  devices(userId: string): Device[] {
    const own = [...this.#tokens.values()].filter((token) => token.userId === userId && token.state !== "revoked");
    const delegated = this.#delegation?.deviceIds(userId) ?? [];
    const ids = [...own.map(({ deviceId }) => deviceId), ...delegated].filter((deviceId) => deviceId !== undefined);
    return [...new Set(ids)].map((device_id) => {
      const display_name = this.#deviceNames.get(`${userId} ${device_id}`);
      return { device_id, ...display_name !== undefined && { display_name } };
    });
  }

  /**
   * Sets the display name of a device.
   *
   * @returns false if the user does not have this device
   */
  nameDevice(userId: string, deviceId: string, name: string): boolean {
    if (this.devices(userId).every(({ device_id }) => device_id !== deviceId)) return false;
    this.#deviceNames.set(`${userId} ${deviceId}`, name);
    return true;
  }

  /**
   * Removes the device of a token by revoking all tokens of this device. If the token does not
   * belong to a device, revokes only this token.
   */
  removeDevice({ accessToken, userId, deviceId }: Token): void {
    const ended = deviceId === undefined ? [this.#tokens.get(accessToken)] : this.#tokensOfDevice(userId, deviceId);
    for (const token of ended) if (token !== undefined) token.state = "revoked";
  }

  wasUsed(accessToken: string): boolean {
    return this.#tokens.get(accessToken)?.used ?? false;
  }

  /**
   * Revokes a token. With `softLogout`, the token only expires, and its device is not removed.
   * Without `softLogout`, the device is removed if this token was the last token of the device.
   *
   * @returns the revoked token if its device was removed; otherwise undefined
   */
  revoke(accessToken: string, softLogout: boolean): Token | undefined {
    const token = this.#tokens.get(accessToken);
    if (token === undefined) throw new Error("Cannot revoke the token: it is unknown");
    token.state = softLogout ? "expired" : "revoked";
    const { userId, deviceId } = token;
    if (deviceId === undefined) return undefined;
    return this.#tokensOfDevice(userId, deviceId).every(({ state }) => state === "revoked") ? token : undefined;
  }

  /**
   * Finds the token of a request.
   *
   * @returns the token, or an error answer if the token is missing or invalid
   */
  authenticate(headers: Headers, query: URLSearchParams): Token | Answer {
    const header = headers.get("authorization");
    const accessToken = header?.startsWith("Bearer ") ? header.slice("Bearer ".length) : "";
    if (query.has("access_token") || accessToken === "") {
      return matrixError(401, "M_MISSING_TOKEN", "Missing access token");
    }
    const token = this.#tokens.get(accessToken);
    if (token === undefined && this.#delegation !== undefined) return this.#delegation.authenticate(accessToken);
    const isExpired = token?.state === "valid" && token.expiresAt !== undefined && token.expiresAt <= this.#now();
    if (token?.state === "valid" && !isExpired) {
      token.used = true;
      return token;
    }
    const expired = isExpired || token?.state === "expired";
    const error = expired ? "Access token has expired" : "Invalid access token passed.";
    return matrixError(401, "M_UNKNOWN_TOKEN", error, this.#software === "Dendrite" ? {} : { soft_logout: expired });
  }

  #tokensOfDevice(userId: string, deviceId: string): TokenState[] {
    return [...this.#tokens.values()].filter((token) => token.userId === userId && token.deviceId === deviceId);
  }
}

/**
 * The number of logins that Synapse accepts without a delay. After these logins, Synapse accepts
 * one login in each interval of {@linkcode LOGIN_INTERVAL_MS}.
 */
const LOGIN_BURST = 5;
const LOGIN_INTERVAL_MS = 300_000;

/** The lifetime of a login token of single sign-on, in milliseconds. */
const LOGIN_TOKEN_MS = 120_000;

interface RefreshToken {
  readonly userId: string;
  readonly deviceId: string;
  /** The newest pair of tokens that was created with this refresh token. */
  next?: TokenPair;
}

/** An access token and its refresh token. */
export interface TokenPair {
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** The result of a refresh: a new pair of tokens, or the reason of an error. */
export type RefreshResult = TokenPair | "unknown" | "used";

/** Stores logins and refresh tokens. */
export class Logins {
  readonly passwords: boolean;
  /** The lifetime of an access token that has a refresh token, in milliseconds. */
  readonly lifetimeMs: number;
  /** The user who is logged in for single sign-on. Undefined if single sign-on is off. */
  ssoUser: string | undefined;
  readonly #now: () => number;
  readonly #refreshTokens = new Map<string, RefreshToken>();
  readonly #loginTokens = new Map<string, { readonly userId: string; readonly until: number }>();
  /** The number of recent login attempts. This number decreases over time (a leaky bucket). */
  #attempts = 0;
  #attemptedAt = 0;

  constructor(now: () => number, { passwords = true, tokenLifetimeMs = 300_000 }: HomeserverOptions) {
    this.passwords = passwords;
    this.lifetimeMs = tokenLifetimeMs;
    this.#now = now;
  }

  /**
   * Counts a login attempt.
   *
   * @returns the time that the client must wait, in milliseconds, or 0 if the login is allowed now
   */
  checkRate(): number {
    const now = this.#now();
    this.#attempts = Math.max(0, this.#attempts - (now - this.#attemptedAt) / LOGIN_INTERVAL_MS);
    this.#attemptedAt = now;
    if (this.#attempts + 1 > LOGIN_BURST) return Math.ceil((this.#attempts + 1 - LOGIN_BURST) * LOGIN_INTERVAL_MS);
    this.#attempts += 1;
    return 0;
  }

  /** Creates a login token. A client gets a login token after a single sign-on. */
  addLoginToken(userId: string): string {
    const token = `syl_${crypto.randomUUID().replaceAll("-", "")}`;
    this.#loginTokens.set(token, { userId, until: this.#now() + LOGIN_TOKEN_MS });
    return token;
  }

  /** Finds the user of a login token, and removes the token, because it works only once. */
  takeLoginToken(token: string): string | undefined {
    const found = this.#loginTokens.get(token);
    this.#loginTokens.delete(token);
    return found !== undefined && found.until > this.#now() ? found.userId : undefined;
  }

  /** Creates an access token with a refresh token. */
  begin(
    accounts: Accounts,
    userId: string,
    device: { readonly deviceId: string; readonly deviceName?: string },
  ): TokenPair {
    const accessToken = accounts.addToken(userId, { ...device, lifetimeMs: this.lifetimeMs });
    const refreshToken = `syr_${crypto.randomUUID().replaceAll("-", "")}`;
    this.#refreshTokens.set(refreshToken, { userId, deviceId: device.deviceId });
    return { accessToken, refreshToken };
  }

  /**
   * Exchanges a refresh token for a new pair of tokens. The answer with the new pair can get lost.
   * Therefore, the old refresh token stays valid until the new pair is used. If the client uses the
   * old refresh token again, the server creates another pair, and revokes the unused pair.
   */
  refresh(accounts: Accounts, refreshToken: string): RefreshResult {
    const token = this.#refreshTokens.get(refreshToken);
    if (token === undefined) return "unknown";
    const { next, userId, deviceId } = token;
    if (next !== undefined) {
      const wasUsed = accounts.wasUsed(next.accessToken) ||
        this.#refreshTokens.get(next.refreshToken)?.next !== undefined;
      if (wasUsed) return "used";
      accounts.revoke(next.accessToken, false);
      this.#refreshTokens.delete(next.refreshToken);
    }
    token.next = this.begin(accounts, userId, { deviceId });
    return token.next;
  }

  /** Removes the refresh tokens of a device. */
  removeDevice(userId: string, deviceId: string | undefined): void {
    for (const [refreshToken, token] of this.#refreshTokens) {
      if (token.userId === userId && token.deviceId === deviceId) this.#refreshTokens.delete(refreshToken);
    }
  }
}

/** The time for which Synapse caches the result of an introspection, in milliseconds. */
const INTROSPECTION_CACHE_MS = 2 * 60_000;

interface CachedIntrospection extends Introspection {
  readonly cachedAt: number;
}

/**
 * Asks an authorization server whether tokens are valid (introspection). Caches each result for two
 * minutes, as Synapse does. Because of the cache, a revoked token stays valid for up to two
 * minutes. Tokens with a cached result also work while the authorization server is down.
 */
export class Delegation {
  readonly #server: LoopbackAuthorizationServer;
  readonly #serverName: string;
  readonly #now: () => number;
  readonly #cache = new Map<string, CachedIntrospection>();

  constructor(server: LoopbackAuthorizationServer, serverName: string, now: () => number) {
    this.#server = server;
    this.#serverName = serverName;
    this.#now = now;
  }

  /** Returns the metadata of the authorization server. */
  get metadata(): object {
    return this.#server.metadata;
  }

  /** Lists the device ids of a user's sessions. Ended sessions are left out. */
  deviceIds(userId: string): readonly string[] {
    const sessions = this.#server.sessions.filter(({ localpart, ended }) =>
      this.#toUserId(localpart) === userId && !ended
    );
    return sessions.map(({ deviceId }) => deviceId);
  }

  /** Checks a token. The error for an expired token contains `soft_logout: false`. */
  authenticate(accessToken: string): Token | Answer {
    const now = this.#now();
    let cached = this.#cache.get(accessToken);
    if (cached === undefined || now >= cached.cachedAt + INTROSPECTION_CACHE_MS) {
      if (!this.#server.running) return matrixError(503, "M_UNKNOWN", "Unable to introspect the access token");
      const found = this.#server.introspect(accessToken);
      cached = found && { ...found, cachedAt: now };
      if (cached === undefined) this.#cache.delete(accessToken);
      else this.#cache.set(accessToken, cached);
    }
    if (cached === undefined || now >= cached.expiresAt) {
      return matrixError(401, "M_UNKNOWN_TOKEN", "Token is not active", { soft_logout: false });
    }
    return { accessToken, userId: this.#toUserId(cached.localpart), deviceId: cached.deviceId };
  }

  #toUserId(localpart: string): string {
    return `@${localpart}:${this.#serverName}`;
  }
}
