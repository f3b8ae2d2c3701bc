/** The users of a loopback homeserver and their access tokens. */

import { type Answer, matrixError } from "./answer.ts";
import type { Delegation } from "./delegation.ts";
import type { HomeserverSoftware } from "./homeserver_types.ts";

/** Whom an access token speaks for. */
export interface Token {
  readonly accessToken: string;
  readonly userId: string;
  /** Undefined for a token that an administrator made. */
  readonly deviceId: string | undefined;
}

interface TokenState extends Token {
  state: "valid" | "revoked" | "expired";
}

/** Users and tokens. Tokens that do not count any more are remembered, to say why. */
export class Accounts {
  readonly #software: HomeserverSoftware;
  readonly #delegation: Delegation | undefined;
  readonly #users = new Set<string>();
  readonly #tokens = new Map<string, TokenState>();

  constructor(software: HomeserverSoftware, delegation?: Delegation) {
    this.#software = software;
    this.#delegation = delegation;
  }

  addUser(userId: string): void {
    if (this.#users.has(userId)) throw new Error(`Cannot add ${userId}: there is such a user already`);
    this.#users.add(userId);
  }

  /** Dendrite has one token a device: a new one ends the old. */
  addToken(userId: string, deviceId: string | undefined): string {
    if (!this.#users.has(userId)) throw new Error(`Cannot add a token for ${userId}: there is no such user`);
    if (this.#software === "Dendrite" && deviceId !== undefined) {
      for (const old of this.#ofDevice(userId, deviceId)) old.state = "revoked";
    }
    const accessToken = `syt_${crypto.randomUUID().replaceAll("-", "")}`;
    this.#tokens.set(accessToken, { accessToken, userId, deviceId, state: "valid" });
    return accessToken;
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
    if (token?.state === "valid") return token;
    if (token === undefined && this.#delegation !== undefined) return this.#delegation.authenticate(accessToken);
    const expired = token?.state === "expired";
    const error = expired ? "Access token has expired" : "Invalid access token passed.";
    return matrixError(401, "M_UNKNOWN_TOKEN", error, this.#software === "Dendrite" ? {} : { soft_logout: expired });
  }

  #ofDevice(userId: string, deviceId: string): TokenState[] {
    return [...this.#tokens.values()].filter((token) => token.userId === userId && token.deviceId === deviceId);
  }
}
