/** The words in which a test talks to a loopback authorization server. */

import type { LoopbackOptions } from "./server.ts";

/** The settings of a {@linkcode LoopbackAuthorizationServer}. */
export interface AuthorizationServerOptions extends LoopbackOptions {
  /** How long an access token lives, in milliseconds; 5 minutes by default. */
  readonly accessTokenLifetimeMs?: number;
  /** How long the codes of a device authorization live, in milliseconds; 20 minutes by default. */
  readonly deviceCodeLifetimeMs?: number;
  /** How long a client must wait between two polls, in milliseconds; 5 seconds by default. */
  readonly intervalMs?: number;
  /** Whether answers carry a `verification_uri_complete`, which is optional; true by default. */
  readonly completeUri?: boolean;
  /** Whether the server offers device authorization; true by default. */
  readonly deviceAuthorization?: boolean;
}

/** A session that a person granted to a client. */
export interface OAuthSession {
  /** The user id between `@` and the colon. */
  readonly localpart: string;
  /** The device that the session is for. */
  readonly deviceId: string;
  /** The client that it was granted to. */
  readonly clientId: string;
  /** Whether it was revoked: by its client, by {@linkcode LoopbackAuthorizationServer.endSession}, or because a spent refresh token came again. */
  readonly ended: boolean;
}
