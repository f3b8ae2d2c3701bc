/** An OAuth 2.0 authorization server inside the test's own process. */

import { AUTHORIZATION_FAULTS, type AuthorizationFaultName } from "./authorization_faults.ts";
import { Clients } from "./authorization_clients.ts";
import { Grants } from "./authorization_grants.ts";
import { type AuthorizationRouteName, handle, metadata, type Office, route } from "./authorization_routes.ts";
import { type Introspection, Sessions } from "./authorization_sessions.ts";
import type { AuthorizationServerOptions, OAuthSession } from "./authorization_types.ts";
import { LoopbackServer } from "./server.ts";

/** As the authorization server that most homeservers have. */
const DEFAULT_LIFETIME_MS = 5 * 60_000;

/**
 * An authorization server on 127.0.0.1, as strict as RFC 6749, 7009, 7591 and 8628 and the scopes of Matrix: metadata, registration, device authorization,
 * renewal with rotating refresh tokens, revocation. A {@linkcode LoopbackHomeserver} delegates to it; the test is the person in the browser. It keeps
 * everything in memory, over restarts too.
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
  readonly #office: Office;

  private constructor(office: Office) {
    super({
      faults: AUTHORIZATION_FAULTS,
      defaultRoute: "token",
      route,
      handle: (call) => handle(office, call, this.url),
    }, office.options);
    this.#office = office;
  }

  /**
   * Starts an authorization server without clients and sessions. Faults apply to the token endpoint unless they say otherwise.
   *
   * @throws {Deno.errors.AddrInUse} when the wanted port is taken
   */
  static start(options: AuthorizationServerOptions = {}): Promise<LoopbackAuthorizationServer> {
    const { accessTokenLifetimeMs = DEFAULT_LIFETIME_MS, now = Date.now } = options;
    return Promise.try(() =>
      new LoopbackAuthorizationServer({
        options,
        clients: new Clients(),
        grants: new Grants(options, now),
        sessions: new Sessions(accessTokenLifetimeMs, now),
      })
    );
  }

  /** The user codes of the logins that wait for a person, oldest first. */
  get userCodes(): readonly string[] {
    return this.#office.grants.waiting;
  }

  /** Every session that was granted, oldest first. */
  get sessions(): readonly OAuthSession[] {
    return this.#office.sessions.list();
  }

  /** The server's metadata, as a homeserver passes it on. */
  get metadata(): object {
    return metadata(this.#office.options, this.url);
  }

  /**
   * Confirms a login as a person would: enters the code, logs in, agrees.
   *
   * @param userCode with or without its hyphen
   * @param localpart who logs in: the user id between `@` and the colon
   * @throws {Error} when no login waits for this code
   */
  approve(userCode: string, localpart: string): void {
    this.#office.grants.approve(userCode, localpart);
  }

  /**
   * Refuses a login as a person would.
   *
   * @throws {Error} when no login waits for this code
   */
  deny(userCode: string): void {
    this.#office.grants.deny(userCode);
  }

  /**
   * Lets the time of a login's codes run out.
   *
   * @throws {Error} when no login waits for this code
   */
  expire(userCode: string): void {
    this.#office.grants.expire(userCode);
  }

  /** Lets the time of an access token run out; its session lives on. Nothing happens when it is over already. */
  expireToken(accessToken: string): void {
    this.#office.sessions.expire(accessToken);
  }

  /** Ends the session of a token, as a person does who signs a device out; nothing happens when there is none. */
  endSession(token: string): void {
    this.#office.sessions.revoke(token);
  }

  /** What an access token stands for, for a homeserver that delegates to this server; undefined when it is no good. */
  introspect(accessToken: string): Introspection | undefined {
    return this.#office.sessions.introspect(accessToken);
  }
}
