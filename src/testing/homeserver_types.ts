/** Options and results of a {@linkcode LoopbackHomeserver}. */

import type { LoopbackAuthorizationServer } from "./authorization_server.ts";
import type { RateLimit } from "./rate_limit.ts";
import type { LoopbackOptions } from "./server.ts";

/** The homeserver software that is imitated, by the name that it reports. */
export type HomeserverSoftware = "Synapse" | "Dendrite" | "Conduit";

/**
 * The scope in which transaction ids are unique. `device` (Synapse): the tokens of one device and
 * one room, for 24 h, also after restarts. `token` (Dendrite): one token and path, for half an
 * hour, in memory. `global` (Conduit): all rooms, for ever. `none`: transaction ids are ignored.
 */
export type TransactionScope = "device" | "token" | "global" | "none";

/** The settings of a {@linkcode LoopbackHomeserver}. */
export interface HomeserverOptions extends LoopbackOptions {
  /** The software to imitate. @default {"Synapse"} */
  readonly software?: HomeserverSoftware;
  /** The domain in user ids and aliases. @default {"loopback.test"} */
  readonly serverName?: string;
  /** The scope of transaction ids; by default that of the software. */
  readonly transactions?: TransactionScope;
  /**
   * The server to which logins are delegated. With it the homeserver has no login of its own, and
   * users need no {@linkcode LoopbackHomeserver.addUser}.
   */
  readonly authorizationServer?: LoopbackAuthorizationServer;
  /** Whether users can log in with a password. @default {true} */
  readonly passwords?: boolean;
  /** The lifetime of an access token with a refresh token, in milliseconds. @default {300000} */
  readonly tokenLifetimeMs?: number;
  /** The largest upload, in bytes. @default {52428800} */
  readonly maxUploadBytes?: number;
  /** The limit on messages of a user; unlimited by default. */
  readonly rateLimit?: RateLimit;
}

/** A user of a {@linkcode LoopbackHomeserver}, logged in on one device. */
export interface LoopbackUser {
  /** The user id, for example `@alice:loopback.test`. */
  readonly userId: string;
  /** Its access token. */
  readonly accessToken: string;
  /** The device id. */
  readonly deviceId: string;
  /** The password: `password-of-` and the localpart. */
  readonly password: string;
}

/** Options of a new room. */
export interface RoomOptions {
  /** User ids of the members. The first one is the creator. */
  readonly members: readonly string[];
  /** User ids of invited users; none by default. */
  readonly invited?: readonly string[];
  /** Whether anyone can join. @default {false} */
  readonly public?: boolean;
  /** An alias, for example `#alerts:loopback.test`; none by default. */
  readonly alias?: string;
  /** The name of the room; none by default. */
  readonly name?: string;
  /** The content of `m.room.power_levels`; by default there is none, and all members may send. */
  readonly powerLevels?: Readonly<Record<string, unknown>>;
  /** The room id; by default one of room version 12: `!` and 43 characters, without a domain. */
  readonly roomId?: string;
}

/** Options of a room upgrade. */
export interface UpgradeOptions {
  /** The user id of the user who upgrades; by default the creator of the room. */
  readonly by?: string;
  /** User ids of users who are invited to the new room; none by default. */
  readonly invited?: readonly string[];
  /** Whether anyone can join the new room; by default as in the old one. */
  readonly public?: boolean;
}

/** An event as the members of a room see it. */
export interface RoomEvent {
  /** The event id. */
  readonly event_id: string;
  /** The user id of the sender. */
  readonly sender: string;
  /** When the homeserver created the event, in milliseconds since 1970. */
  readonly origin_server_ts: number;
  /** The event type, for example `m.room.message`. */
  readonly type: string;
  /** The content as it was sent. */
  readonly content: Readonly<Record<string, unknown>>;
}

/** An access token with its owner. */
export interface Token {
  readonly accessToken: string;
  readonly userId: string;
  /** Undefined for a token that an administrator created. */
  readonly deviceId: string | undefined;
}
