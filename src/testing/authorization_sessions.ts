/**
 * The sessions of a loopback authorization server, and their tokens. Each renewal makes a new pair. The old refresh token stays good until one of the new pair
 * is used, so that an answer that was lost can be asked for again; after that, whoever brings it ends the session (Client-Server API 1.15, "Refresh
 * token grant"; RFC 9700, section 4.14.2).
 *
 * @module
 */

import { type Answer, jsonAnswer } from "./answer.ts";
import { NO_STORE, oauthError } from "./authorization_answers.ts";
import type { Client } from "./authorization_clients.ts";
import type { Granted } from "./authorization_grants.ts";
import type { OAuthSession } from "./authorization_types.ts";

interface Session {
  readonly clientId: string;
  readonly localpart: string;
  readonly deviceId: string;
  readonly scope: string;
  ended: boolean;
  /** The pair that was given out last, and the one before while the last has not been used. */
  current: Pair;
  previous: Pair | undefined;
}

interface Pair {
  readonly accessToken: string;
  readonly refreshToken: string;
  expiresAt: number;
}

/** What an access token stands for. */
export interface Introspection {
  /** The user id between `@` and the colon. */
  readonly localpart: string;
  /** The device of the session. */
  readonly deviceId: string;
  /** When the token expires, milliseconds since 1970. */
  readonly expiresAt: number;
}

/** All sessions, by all tokens that they ever had. */
export class Sessions {
  readonly #byToken = new Map<string, Session>();
  readonly #lifetimeMs: number;
  readonly #now: () => number;

  constructor(lifetimeMs: number, now: () => number) {
    this.#lifetimeMs = lifetimeMs;
    this.#now = now;
  }

  /** Begins a session. Its device's former sessions are over. */
  begin(client: Client, granted: Granted): Answer {
    const { localpart, deviceId } = granted;
    for (const old of this.#all()) if (old.localpart === localpart && old.deviceId === deviceId) old.ended = true;
    const current = this.#makePair();
    const session = { clientId: client.clientId, ...granted, ended: false, current, previous: undefined };
    return this.#give(session, current);
  }

  /** Renews a session. */
  renew(client: Client, refreshToken: string): Answer {
    const session = this.#byToken.get(refreshToken);
    if (session === undefined || session.ended || session.clientId !== client.clientId) {
      return oauthError("invalid_grant", "There is no such refresh token");
    }
    const { current, previous } = session;
    if (current.refreshToken === refreshToken) session.previous = current;
    else if (previous?.refreshToken === refreshToken) this.#drop(current);
    else {
      session.ended = true;
      return oauthError("invalid_grant", "The refresh token was used before: the session is over");
    }
    session.current = this.#makePair();
    return this.#give(session, session.current);
  }

  /** Ends the session of a token; nothing happens when there is none (RFC 7009, section 2.2). */
  revoke(token: string): void {
    const session = this.#byToken.get(token);
    if (session !== undefined) session.ended = true;
  }

  /** What an access token stands for now; undefined when it is no good. Its use settles which pair the client has. */
  introspect(token: string): Introspection | undefined {
    const session = this.#byToken.get(token);
    if (session === undefined || session.ended) return undefined;
    const pair = [session.current, session.previous].find((pair) => pair?.accessToken === token);
    if (pair === undefined || this.#now() >= pair.expiresAt) return undefined;
    if (pair === session.current) session.previous = undefined;
    return { localpart: session.localpart, deviceId: session.deviceId, expiresAt: pair.expiresAt };
  }

  expire(token: string): void {
    const session = this.#byToken.get(token);
    for (const pair of [session?.current, session?.previous]) {
      if (pair?.accessToken === token) pair.expiresAt = this.#now();
    }
  }

  list(): readonly OAuthSession[] {
    return this.#all().map(({ localpart, deviceId, clientId, ended }) => ({ localpart, deviceId, clientId, ended }));
  }

  #all(): Session[] {
    return [...new Set(this.#byToken.values())];
  }

  #makePair(): Pair {
    return {
      accessToken: `mat_${crypto.randomUUID()}`,
      refreshToken: `mar_${crypto.randomUUID()}`,
      expiresAt: this.#now() + this.#lifetimeMs,
    };
  }

  /** Forgets a pair that nobody used, and that another one replaces: whoever got it late has got nothing. */
  #drop({ accessToken, refreshToken }: Pair): void {
    this.#byToken.delete(accessToken);
    this.#byToken.delete(refreshToken);
  }

  #give(session: Session, { accessToken, refreshToken }: Pair): Answer {
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
