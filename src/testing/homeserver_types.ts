/** The options and the results of a {@linkcode LoopbackHomeserver}. */

import type { LoopbackAuthorizationServer } from "./authorization_server.ts";
import type { RateLimit } from "./rate_limit.ts";
import type { LoopbackOptions } from "./server.ts";

/** The name of the homeserver software that is simulated. */
export type HomeserverSoftware = "Synapse" | "Dendrite" | "Conduit";

/**
 * The scope in which the server recognizes a repeated transaction id:
 *
 * - `device` (Synapse): one device and one room. The server stores the ids for 24 hours, also after
 *   a restart.
 * - `token` (Dendrite): one token and one path. The server stores the ids for 30 minutes, but loses
 *   them at a restart.
 * - `global` (Conduit): one device in all rooms. The server stores the ids without a time limit.
 * - `none`: the server ignores transaction ids.
 */
export type TransactionScope = "device" | "token" | "global" | "none";

/** The settings of a {@linkcode LoopbackHomeserver}. */
export interface HomeserverOptions extends LoopbackOptions {
  /** The software to simulate. @default {"Synapse"} */
  readonly software?: HomeserverSoftware;
  /** The domain in user ids and aliases. @default {"loopback.test"} */
  readonly serverName?: string;
  /** The scope of transaction ids. By default, the scope that the real software uses. */
  readonly transactions?: TransactionScope;
  /**
   * The authorization server that manages the logins. With this option, the homeserver itself
   * offers no logins, and the test does not have to call {@linkcode LoopbackHomeserver.addUser}.
   */
  readonly authorizationServer?: LoopbackAuthorizationServer;
  /** True if users can log in with a password. @default {true} */
  readonly passwords?: boolean;
  /**
   * The lifetime of an access token that has a refresh token, in milliseconds. @default {300000}
   */
  readonly tokenLifetimeMs?: number;
  /** The maximum size of an upload, in bytes. @default {52428800} */
  readonly maxUploadBytes?: number;
  /** The rate limit for the messages of each user. Unlimited by default. */
  readonly rateLimit?: RateLimit;
}

/** A user of a {@linkcode LoopbackHomeserver}, logged in on one device. */
export interface LoopbackUser {
  /** The user id, for example `@alice:loopback.test`. */
  readonly userId: string;
  /** The access token of the user. */
  readonly accessToken: string;
  /** The device id. */
  readonly deviceId: string;
  /** The password: `password-of-` followed by the localpart. */
  readonly password: string;
}

/** Options of a new room. */
export interface RoomOptions {
  /** The user ids of the members. The first member is the creator. */
  readonly members: readonly string[];
  /** The user ids of invited users. Empty by default. */
  readonly invited?: readonly string[];
  /** True if all users can join. @default {false} */
  readonly public?: boolean;
  /** The alias of the room, such as `#alerts:loopback.test`. Absent by default. */
  readonly alias?: string;
  /** The name of the room. Absent by default. */
  readonly name?: string;
  /**
   * The content of `m.room.power_levels`. By default, the room does not have this event, and all
   * members may send.
   */
  readonly powerLevels?: Readonly<Record<string, unknown>>;
  /**
   * The room id. By default, a new id in the format of room version 12: `!` and 43 characters,
   * without a domain.
   */
  readonly roomId?: string;
}

/** Options of a room upgrade. */
export interface UpgradeOptions {
  /** The user id of the user who replaces the room. By default, the creator of the room. */
  readonly by?: string;
  /** The user ids of users who are invited to the new room. Empty by default. */
  readonly invited?: readonly string[];
  /** True if all users can join the new room. By default, the value of the old room. */
  readonly public?: boolean;
}

/** An event of a room, as its members see it. */
export interface RoomEvent {
  /** The event id. */
  readonly event_id: string;
  /** The user id of the sender. */
  readonly sender: string;
  /** The time at which the homeserver created the event, in milliseconds since 1970. */
  readonly origin_server_ts: number;
  /** The event type, for example `m.room.message`. */
  readonly type: string;
  /** The content that the sender sent. */
  readonly content: Readonly<Record<string, unknown>>;
}

/** An access token, with its user and its device. */
export interface Token {
  readonly accessToken: string;
  readonly userId: string;
  /** The device id. Undefined for a token that an administrator created. */
  readonly deviceId: string | undefined;
}
