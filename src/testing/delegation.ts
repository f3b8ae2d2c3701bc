/**
 * Accounts that live at an authorization server, as Synapse has it: what a token stands for is asked there and remembered for two minutes, so that
 * a token that was revoked is good for a while longer, and one that is known needs no authorization server.
 *
 * @module
 */

import type { Token } from "./homeserver_types.ts";
import { type Answer, matrixError } from "./answer.ts";
import type { LoopbackAuthorizationServer } from "./authorization_server.ts";
import type { Introspection } from "./authorization_sessions.ts";

/** How long Synapse believes a good answer. */
const MEMORY_MS = 2 * 60_000;

interface Known extends Introspection {
  readonly askedAt: number;
}

/** The homeserver's side of a delegation. */
export class Delegation {
  readonly #server: LoopbackAuthorizationServer;
  readonly #serverName: string;
  readonly #now: () => number;
  readonly #known = new Map<string, Known>();

  constructor(server: LoopbackAuthorizationServer, serverName: string, now: () => number) {
    this.#server = server;
    this.#serverName = serverName;
    this.#now = now;
  }

  /** What the homeserver passes on to clients. */
  get metadata(): object {
    return this.#server.metadata;
  }

  /** The devices that have a session. */
  deviceIds(userId: string): readonly string[] {
    const sessions = this.#server.sessions.filter(({ localpart, ended }) =>
      this.#userId(localpart) === userId && !ended
    );
    return sessions.map(({ deviceId }) => deviceId);
  }

  /** The token of a request, or the answer that refuses it. It never says that the session lives on. */
  authenticate(accessToken: string): Token | Answer {
    const now = this.#now();
    let known = this.#known.get(accessToken);
    if (known === undefined || now >= known.askedAt + MEMORY_MS) {
      if (!this.#server.running) return matrixError(503, "M_UNKNOWN", "Unable to introspect the access token");
      const found = this.#server.introspect(accessToken);
      known = found && { ...found, askedAt: now };
      if (known === undefined) this.#known.delete(accessToken);
      else this.#known.set(accessToken, known);
    }
    if (known === undefined || now >= known.expiresAt) {
      return matrixError(401, "M_UNKNOWN_TOKEN", "Token is not active", { soft_logout: false });
    }
    return { accessToken, userId: this.#userId(known.localpart), deviceId: known.deviceId };
  }
  #userId(localpart: string): string {
    return `@${localpart}:${this.#serverName}`;
  }
}
