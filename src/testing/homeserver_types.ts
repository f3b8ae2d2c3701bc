/** The words in which a test talks to a loopback homeserver. */

import type { LoopbackAuthorizationServer } from "./authorization_server.ts";
import type { RateLimit } from "./rate_limit.ts";
import type { LoopbackOptions } from "./server.ts";

/** Whose behaviour the homeserver shows, by the name that the server gives itself. */
export type HomeserverSoftware = "Synapse" | "Dendrite" | "Conduit";

/**
 * For whom a transaction id counts. `device` (Synapse): for all tokens of a device in a room, 24 h, over restarts. `token`
 * (Dendrite): for one token and path, half an hour, in memory. `global` (Conduit): for all rooms together, for ever. `none`: not at all.
 */
export type TransactionScope = "device" | "token" | "global" | "none";

/** The settings of a {@linkcode LoopbackHomeserver}. */
export interface HomeserverOptions extends LoopbackOptions {
  /** Whose behaviour to show; `"Synapse"` by default. */
  readonly software?: HomeserverSoftware;
  /** The domain in user ids and aliases; `"loopback.test"` by default. */
  readonly serverName?: string;
  /** For whom a transaction id counts; as the software has it by default. */
  readonly transactions?: TransactionScope;
  /** Where accounts live and log in; by default at the homeserver itself. Then it has no login of its own, and users need no {@linkcode LoopbackHomeserver.addUser}. */
  readonly authorizationServer?: LoopbackAuthorizationServer;
  /** Whether a password is a way to log in; true by default. */
  readonly passwords?: boolean;
  /** How long an access token lives that comes with a refresh token, in milliseconds by the server's clock; 5 minutes by default. */
  readonly tokenLifetimeMs?: number;
  /** The largest file that may be uploaded, in bytes; 50 MiB by default. */
  readonly maxUploadBytes?: number;
  /** How much a user may send, as Synapse limits it; without limit by default. */
  readonly rateLimit?: RateLimit;
}

/** A user of a {@linkcode LoopbackHomeserver}, logged in on one device. */
export interface LoopbackUser {
  /** The user id, for example `@alice:loopback.test`. */
  readonly userId: string;
  /** The access token of the device. */
  readonly accessToken: string;
  /** The device. */
  readonly deviceId: string;
  /** For logging in again: `password-of-` and the user's name. */
  readonly password: string;
}

/** A room to be created. */
export interface RoomOptions {
  /** The user ids of those who are in the room; the first created it. */
  readonly members: readonly string[];
  /** The user ids of those who may join; nobody by default. */
  readonly invited?: readonly string[];
  /** Whether everybody may join; false by default. */
  readonly public?: boolean;
  /** An alias, for example `#alerts:loopback.test`; none by default. */
  readonly alias?: string;
  /** The name that people see; none by default. */
  readonly name?: string;
  /** The content of `m.room.power_levels`; by default there is none, and everybody may send. */
  readonly powerLevels?: Readonly<Record<string, unknown>>;
  /** The room id; by default one of room version 12: `!` and 43 characters, without a domain. */
  readonly roomId?: string;
}

/** How a room is replaced by another. */
export interface UpgradeOptions {
  /** The user id of whoever does it; the room's creator by default. */
  readonly by?: string;
  /** The user ids of those who may join the new room; nobody by default. */
  readonly invited?: readonly string[];
  /** Whether everybody may join the new room; as the old one has it by default. */
  readonly public?: boolean;
}

/** An event as the members of a room see it. */
export interface RoomEvent {
  /** The id that the homeserver gave to the event. */
  readonly event_id: string;
  /** The user id of the sender. */
  readonly sender: string;
  /** When the homeserver made the event, by its own clock, in milliseconds since 1970. */
  readonly origin_server_ts: number;
  /** The event type, for example `m.room.message`. */
  readonly type: string;
  /** The content, as it was sent. */
  readonly content: Readonly<Record<string, unknown>>;
}

/** Whom an access token speaks for. */
export interface Token {
  readonly accessToken: string;
  readonly userId: string;
  /** Undefined for a token that an administrator made. */
  readonly deviceId: string | undefined;
}
