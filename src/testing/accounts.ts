/** The users of a loopback homeserver and their access tokens. */

import { type Answer, matrixError } from "./answer.ts";
import type { Delegation } from "./delegation.ts";
import type { HomeserverSoftware, Token } from "./homeserver_types.ts";

interface TokenState extends Token {
  state: "valid" | "revoked" | "expired";
  /** Whether a request was made with it. */
  used: boolean;
  /** By the server's clock, milliseconds since 1970; absent when it does not expire. */
  readonly expiresAt?: number;
}

/** A token for a device, or for none. */
export interface TokenOptions {
  readonly deviceId: string | undefined;
  /** How people see a device that is new. */
  readonly deviceName?: string;
  /** How long the token lives; for ever by default. */
  readonly lifetimeMs?: number;
}

/** A device as its user sees it. */
export interface Device {
  readonly device_id: string;
  readonly display_name?: string;
}

/** Users and tokens. Tokens that do not count any more are remembered, to say why. */
export class Accounts {
  readonly #software: HomeserverSoftware;
  readonly #delegation: Delegation | undefined;
  readonly #now: () => number;
  /** Passwords by user id. */
  readonly #users = new Map<string, string>();
  readonly #tokens = new Map<string, TokenState>();
  readonly #deviceNames = new Map<string, string>();

  constructor(software: HomeserverSoftware, now: () => number, delegation?: Delegation) {
    this.#software = software;
    this.#now = now;
    this.#delegation = delegation;
  }

  addUser(userId: string, password: string): void {
    if (this.#users.has(userId)) throw new Error(`Cannot add ${userId}: there is such a user already`);
    this.#users.set(userId, password);
  }

  has(userId: string, password: string): boolean {
    return this.#users.get(userId) === password;
  }

  /** Dendrite has one token a device: a new one ends the old. */
  addToken(userId: string, { deviceId, deviceName, lifetimeMs }: TokenOptions): string {
    if (!this.#users.has(userId)) throw new Error(`Cannot add a token for ${userId}: there is no such user`);
    if (this.#software === "Dendrite" && deviceId !== undefined) {
      for (const old of this.#ofDevice(userId, deviceId)) old.state = "revoked";
    }
    const accessToken = `syt_${crypto.randomUUID().replaceAll("-", "")}`;
    const expiry = lifetimeMs === undefined ? {} : { expiresAt: this.#now() + lifetimeMs };
    if (deviceName !== undefined && this.devices(userId).every(({ device_id }) => device_id !== deviceId)) {
      this.#deviceNames.set(`${userId} ${deviceId}`, deviceName);
    }
    this.#tokens.set(accessToken, { accessToken, userId, deviceId, state: "valid", used: false, ...expiry });
    return accessToken;
  }

  /** The devices of a user: those with a token that was not ended. */
  devices(userId: string): Device[] {
    const own = [...this.#tokens.values()].filter((token) => token.userId === userId && token.state !== "revoked");
    const delegated = this.#delegation?.deviceIds(userId) ?? [];
    const ids = [...own.map(({ deviceId }) => deviceId), ...delegated].filter((deviceId) => deviceId !== undefined);
    return [...new Set(ids)].map((device_id) => {
      const display_name = this.#deviceNames.get(`${userId} ${device_id}`);
      return { device_id, ...display_name !== undefined && { display_name } };
    });
  }

  /** Names a device. Returns whether the user has it. */
  nameDevice(userId: string, deviceId: string, name: string): boolean {
    if (this.devices(userId).every(({ device_id }) => device_id !== deviceId)) return false;
    this.#deviceNames.set(`${userId} ${deviceId}`, name);
    return true;
  }

  /** Ends every token of the device of this one, or this one alone where it has none. */
  endDevice({ accessToken, userId, deviceId }: Token): void {
    const ended = deviceId === undefined ? [this.#tokens.get(accessToken)] : this.#ofDevice(userId, deviceId);
    for (const token of ended) if (token !== undefined) token.state = "revoked";
  }

  wasUsed(accessToken: string): boolean {
    return this.#tokens.get(accessToken)?.used ?? false;
  }

  /** Ends a token. Returns the device that is gone with its last token; an expired token keeps its device. */
  revoke(accessToken: string, softLogout: boolean): Token | undefined {
    const token = this.#tokens.get(accessToken);
    if (token === undefined) throw new Error("Cannot revoke the token: the server does not know it");
    token.state = softLogout ? "expired" : "revoked";
    const { userId, deviceId } = token;
    if (deviceId === undefined) return undefined;
    return this.#ofDevice(userId, deviceId).every(({ state }) => state === "revoked") ? token : undefined;
  }

  /** The token of a request, or the answer that refuses it. */
  authenticate(headers: Headers, query: URLSearchParams): Token | Answer {
    const header = headers.get("authorization");
    const accessToken = header?.startsWith("Bearer ") ? header.slice("Bearer ".length) : "";
    if (query.has("access_token") || accessToken === "") {
      return matrixError(401, "M_MISSING_TOKEN", "Missing access token");
    }
    const token = this.#tokens.get(accessToken);
    if (token === undefined && this.#delegation !== undefined) return this.#delegation.authenticate(accessToken);
    const isOver = token?.state === "valid" && token.expiresAt !== undefined && token.expiresAt <= this.#now();
    if (token?.state === "valid" && !isOver) {
      token.used = true;
      return token;
    }
    const expired = isOver || token?.state === "expired";
    const error = expired ? "Access token has expired" : "Invalid access token passed.";
    return matrixError(401, "M_UNKNOWN_TOKEN", error, this.#software === "Dendrite" ? {} : { soft_logout: expired });
  }

  #ofDevice(userId: string, deviceId: string): TokenState[] {
    return [...this.#tokens.values()].filter((token) => token.userId === userId && token.deviceId === deviceId);
  }
}
