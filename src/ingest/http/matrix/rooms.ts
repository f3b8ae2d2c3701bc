/**
 * Finds the channels for the room in a Matrix request. Each room id that this server creates
 * contains the encoded alias. Therefore the command `serve` stores no rooms, and every client can
 * join every room.
 *
 * @module
 */

import { decodePercent } from "../../../base/secret_mask.ts";
import { parseRoom } from "../../../matrix/ids.ts";
import type { KnownChannel } from "../request.ts";

/**
 * The server name in the ids of this server. Clients never look up this name, so it does not need
 * to be a domain.
 */
export const SERVER_NAME = "matrix-notify";

/** The rules choose the channels for messages to this room. Clients without a room use it. */
export const RULES_ROOM = `!rules:${SERVER_NAME}`;

/**
 * The destination of a message. If `channels` and `room` are missing, the rules choose the
 * channels.
 */
export interface Target {
  readonly channels?: readonly string[];
  readonly room?: string;
  /** The name of an alias that no channel has. Rules can choose channels by this name. */
  readonly origin?: string;
}

/**
 * Converts an alias or a user id (for the direct chat with the user) to a room id. Returns a room
 * id unchanged. The alias or the user id is encoded with letters, digits, and `._=-`, because
 * Apprise accepts only these characters in a room id.
 */
export function roomIdOf(room: string): string {
  if (room.startsWith("!")) return room;
  const encoded = encodeURIComponent(room.toWellFormed())
    .replace(/[!~*'()]/g, (char) => `%${char.charCodeAt(0).toString(16)}`);
  return `!${encoded.replaceAll("%", "=")}:${SERVER_NAME}`;
}

/**
 * Decodes a room id from {@linkcode roomIdOf} into the alias or the user id. Returns any other room
 * id unchanged.
 */
function decodeRoomId(roomId: string): string {
  const encoded = ENCODED_REGEXP.exec(roomId)?.[1];
  return encoded === undefined ? roomId : decodePercent(encoded.replaceAll("=", "%"));
}

const ENCODED_REGEXP = new RegExp(`^!(=(?:23|40)[\\w.=-]+):${SERVER_NAME}$`);

/**
 * Returns the ids of the joined rooms: the room for the rules, a room for each channel name, and
 * the rooms of the Matrix channels. Clients with encryption send only to joined rooms. Room ids of
 * room version 12 have no server name. Such ids are left out, because old clients fail without a
 * server name.
 */
export function joinedRooms(channels: readonly KnownChannel[]): readonly string[] {
  const names = channels.map(({ name }) => `#${name}:${SERVER_NAME}`);
  const rooms = channels.flatMap(({ kind, destinations }) => kind === "matrix" ? destinations : []);
  return [...new Set([RULES_ROOM, ...[...names, ...rooms].map(roomIdOf)])].filter((room) => room.includes(":"));
}

/** Matches a room id of room version 12 or later, which has no server name. */
const DOMAINLESS_REGEXP = /^![\w-]{43}$/;

/**
 * Finds the destination of a message.
 *
 * ```text
 * a room of a Matrix channel               this channel and this room
 * a name of this server: #phone, !phone    the channel with this name
 * #alerts, if a channel has #alerts:x.org  this channel and #alerts:x.org
 * a room of another server                 this room, through the Matrix channels
 * any other alias, such as #name           the rules choose the channels; `name` is the origin
 * everything else                          the rules choose the channels
 * ```
 *
 * @param channels the channels that the sender can use
 * @param isLimited true if the sender can only use the rooms of these channels
 */
export function findTarget(roomId: string, channels: readonly KnownChannel[], isLimited: boolean): Target {
  if (roomId === RULES_ROOM) return {};
  const room = decodeRoomId(roomId);
  const withRooms = channels.filter(({ kind }) => kind === "matrix");
  const owner = withRooms.find(({ destinations }) => destinations.includes(room));
  if (owner !== undefined) return { channels: [owner.name], room };
  const [, sigil = "", name = "", server = SERVER_NAME] = /^([!#@]?)([^:]*)(?::([^]*))?$/.exec(room) ?? [];
  const isOwn = server === SERVER_NAME && !DOMAINLESS_REGEXP.test(room);
  if (isOwn && sigil !== "@") {
    const named = channels.find((channel) => channel.name === name);
    if (named !== undefined) return { channels: [named.name] };
    const aliases = withRooms.flatMap((channel) =>
      channel.destinations.map((destination) => ({ channels: [channel.name], room: destination }))
    );
    const alias = sigil === "#" ? aliases.find((alias) => alias.room.startsWith(`#${name}:`)) : undefined;
    if (alias !== undefined) return alias;
  }
  if (!isOwn && !isLimited && withRooms.length > 0 && parseRoom(room) !== undefined) return { room };
  return sigil === "#" ? { origin: name } : {};
}
