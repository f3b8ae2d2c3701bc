/**
 * The device authorizations and sessions of a loopback authorization server.
 *
 * A device authorization (RFC 8628) becomes a session when a user confirms it. Each refresh creates
 * a new pair of tokens. The old refresh token stays valid until a token of the new pair is used. So
 * a client that did not receive the answer can repeat the request. After a token of the new pair is
 * used, a request with the old refresh token ends the session (Client-Server API 1.15, "Refresh
 * token grant"; RFC 9700, section 4.14.2).
 *
 * @module
 */

import { type Answer, jsonAnswer } from "./answer.ts";
import { type Client, NO_STORE, oauthError } from "./authorization_clients.ts";
import type { LoopbackOptions } from "./server.ts";

/** The settings of a {@linkcode LoopbackAuthorizationServer}. */
export interface AuthorizationServerOptions extends LoopbackOptions {
  /** The lifetime of an access token, in milliseconds. @default {300000} */
  readonly accessTokenLifetimeMs?: number;
  /** The lifetime of the codes of a device authorization, in milliseconds. @default {1200000} */
  readonly deviceCodeLifetimeMs?: number;
  /** The minimum time between two polls of a client, in milliseconds. @default {5000} */
  readonly intervalMs?: number;
  /** True if answers contain the optional `verification_uri_complete`. @default {true} */
  readonly completeUri?: boolean;
  /** True if the server offers device authorization. @default {true} */
  readonly deviceAuthorization?: boolean;
}

/** A session of a client. A session starts when a user confirms the login. */
export interface OAuthSession {
  /** The part of the user id between `@` and the colon. */
  readonly localpart: string;
  /** The device id of the session. */
  readonly deviceId: string;
  /** The id of the client. */
  readonly clientId: string;
  /**
   * True if the session has ended. A session ends if
   *
   * - the client revokes a token,
   * - the test calls {@linkcode LoopbackAuthorizationServer.endSession},
   * - a newer session of the device starts, or
   * - the client uses an old refresh token that is no longer valid.
   */
  readonly ended: boolean;
}

/**
 * If a client polls too fast, its minimum time between two polls increases by this time, in
 * milliseconds.
 */
const SLOW_DOWN_MS = 5_000;

interface DeviceGrant {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly clientId: string;
  readonly scope: string;
  readonly deviceId: string;
  expiresAt: number;
  intervalMs: number;
  polledAt: number;
  state: "pending" | "denied" | "used" | { readonly localpart: string };
}

/** A login that the user confirmed. */
export interface GrantedLogin {
  readonly localpart: string;
  readonly deviceId: string;
  readonly scope: string;
}

/** Stores all device authorizations. */
export class DeviceGrants {
  readonly #grants: DeviceGrant[] = [];
  readonly #options: AuthorizationServerOptions;
  readonly #now: () => number;

  constructor(options: AuthorizationServerOptions, now: () => number) {
    this.#options = options;
    this.#now = now;
  }

  /**
   * Creates the device code and the user code. The client must wait for one interval before its
   * first poll.
   */
  begin(client: Client, requested: { readonly scope: string; readonly deviceId: string }, url: string): Answer {
    const { deviceCodeLifetimeMs = 20 * 60_000, intervalMs = 5_000, completeUri = true } = this.#options;
    const now = this.#now();
    const grant: DeviceGrant = {
      deviceCode: crypto.randomUUID(),
      userCode: createUserCode(),
      clientId: client.clientId,
      ...requested,
      expiresAt: now + deviceCodeLifetimeMs,
      intervalMs,
      polledAt: now,
      state: "pending",
    };
    this.#grants.push(grant);
    return jsonAnswer(200, {
      device_code: grant.deviceCode,
      user_code: grant.userCode,
      verification_uri: `${url}/link`,
      ...completeUri && { verification_uri_complete: `${url}/link?code=${grant.userCode}` },
      expires_in: Math.floor(deviceCodeLifetimeMs / 1000),
      interval: intervalMs / 1000,
    }, NO_STORE);
  }

  /**
   * Answers a poll (RFC 8628, section 3.5). A client polls while it waits for the user. A device
   * code works only for the client that requested the code. One code creates only one session.
   */
  redeem(client: Client, deviceCode: string): GrantedLogin | Answer {
    const grant = this.#grants.find((grant) => grant.deviceCode === deviceCode);
    if (grant === undefined || grant.clientId !== client.clientId || grant.state === "used") {
      return oauthError("invalid_grant", "There is no such device code");
    }
    const now = this.#now(), early = now < grant.polledAt + grant.intervalMs;
    grant.polledAt = now;
    if (now >= grant.expiresAt) return oauthError("expired_token", "The device code has expired");
    if (grant.state === "denied") return oauthError("access_denied", "The user refused");
    if (grant.state !== "pending") {
      const { localpart } = grant.state;
      grant.state = "used";
      return { localpart, deviceId: grant.deviceId, scope: grant.scope };
    }
    if (!early) return oauthError("authorization_pending", "The user has not confirmed yet");
    grant.intervalMs += SLOW_DOWN_MS;
    return oauthError("slow_down", "The client polls too fast");
  }

  approve(userCode: string, localpart: string): void {
    this.#findPending(userCode).state = { localpart };
  }

  deny(userCode: string): void {
    this.#findPending(userCode).state = "denied";
  }

  expire(userCode: string): void {
    this.#findPending(userCode).expiresAt = this.#now();
  }

  /** Returns the user codes that can still be entered, oldest first. */
  get pendingUserCodes(): readonly string[] {
    return this.#grants.filter((grant) => this.#isPending(grant)).map(({ userCode }) => userCode);
  }

  #isPending({ state, expiresAt }: DeviceGrant): boolean {
    return state === "pending" && this.#now() < expiresAt;
  }

  /**
   * Finds a device authorization by its user code. The user may omit the hyphen, and may type lower
   * case letters (RFC 8628, section 6.1).
   */
  #findPending(typed: string): DeviceGrant {
    const plain = (code: string) => code.replaceAll("-", "").toUpperCase();
    const grant = this.#grants.find((grant) => plain(grant.userCode) === plain(typed) && this.#isPending(grant));
    if (grant === undefined) throw new Error(`Cannot find the code ${typed}: no login waits for it`);
    return grant;
  }
}

/** Creates a user code of eight consonants that are easy to distinguish (RFC 8628, 6.1). */
function createUserCode(): string {
  const letters = "BCDFGHJKLMNPQRSTVWXZ";
  const code = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => letters[byte % letters.length]).join("");
  return `${code.slice(0, 4)}-${code.slice(4)}`;
}

interface Session {
  readonly clientId: string;
  readonly localpart: string;
  readonly deviceId: string;
  readonly scope: string;
  ended: boolean;
  /**
   * The newest pair of tokens. The field `previous` contains the pair that `current` replaced. The
   * pair in `previous` stays valid until a token of `current` is used.
   */
  current: TokenPair;
  previous: TokenPair | undefined;
}

interface TokenPair {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly expiresAt: number;
}

/** The owner of an access token (RFC 7662). */
export interface Introspection {
  /** The part of the user id between `@` and the colon. */
  readonly localpart: string;
  /** The device id of the session. */
  readonly deviceId: string;
  /** The time at which the token expires, in milliseconds since 1970. */
  readonly expiresAt: number;
}

/** Stores all sessions. Finds a session by any of its current or old tokens. */
export class Sessions {
  readonly #byToken = new Map<string, Session>();
  readonly #lifetimeMs: number;
  readonly #now: () => number;

  constructor(lifetimeMs: number, now: () => number) {
    this.#lifetimeMs = lifetimeMs;
    this.#now = now;
  }

  /** Starts a session on a device, and ends the earlier sessions on this device. */
  begin(client: Client, granted: GrantedLogin): Answer {
    const { localpart, deviceId } = granted;
    for (const old of this.#all()) if (old.localpart === localpart && old.deviceId === deviceId) old.ended = true;
    const current = this.#createPair();
    const session = { clientId: client.clientId, ...granted, ended: false, current, previous: undefined };
    return this.#toAnswer(session, current);
  }

  /** Creates new tokens for a session. */
  refresh(client: Client, refreshToken: string): Answer {
    const session = this.#byToken.get(refreshToken);
    if (session === undefined || session.ended || session.clientId !== client.clientId) {
      return oauthError("invalid_grant", "There is no such refresh token");
    }
    const { current, previous } = session;
    if (current.refreshToken === refreshToken) session.previous = current;
    else if (previous?.refreshToken === refreshToken) this.#drop(current);
    else {
      session.ended = true;
      return oauthError("invalid_grant", "The refresh token was used before: the session has ended");
    }
    session.current = this.#createPair();
    return this.#toAnswer(session, session.current);
  }

  /** Ends the session of a token. An unknown token is ignored (RFC 7009, section 2.2). */
  revoke(token: string): void {
    const session = this.#byToken.get(token);
    if (session !== undefined) session.ended = true;
  }

  /**
   * Finds the owner of an access token. Returns undefined if the token is not valid. If the token
   * belongs to the newest pair of its session, the previous pair becomes invalid.
   */
  introspect(token: string): Introspection | undefined {
    const session = this.#byToken.get(token);
    if (session === undefined || session.ended) return undefined;
    const pair = [session.current, session.previous].find((pair) => pair?.accessToken === token);
    if (pair === undefined || this.#now() >= pair.expiresAt) return undefined;
    if (pair === session.current) session.previous = undefined;
    return { localpart: session.localpart, deviceId: session.deviceId, expiresAt: pair.expiresAt };
  }

  list(): readonly OAuthSession[] {
    return this.#all().map(({ localpart, deviceId, clientId, ended }) => ({ localpart, deviceId, clientId, ended }));
  }

  #all(): Session[] {
    return [...new Set(this.#byToken.values())];
  }

  #createPair(): TokenPair {
    return {
      accessToken: `mat_${crypto.randomUUID()}`,
      refreshToken: `mar_${crypto.randomUUID()}`,
      expiresAt: this.#now() + this.#lifetimeMs,
    };
  }

  /** Removes a pair of tokens that was never used. A newer pair replaces it. */
  #drop({ accessToken, refreshToken }: TokenPair): void {
    this.#byToken.delete(accessToken);
    this.#byToken.delete(refreshToken);
  }

  #toAnswer(session: Session, { accessToken, refreshToken }: TokenPair): Answer {
    this.#byToken.set(accessToken, session);
    this.#byToken.set(refreshToken, session);
    return jsonAnswer(200, {
      access_token: accessToken,
      token_type: "Bearer",
      expires_in: Math.floor(this.#lifetimeMs / 1000),
      refresh_token: refreshToken,
      scope: session.scope,
    }, NO_STORE);
  }
}
