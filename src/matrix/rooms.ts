/** Rooms: aliases and membership (Client-Server API, "Room aliases", "Room membership"). */

import { missingField } from "./errors.ts";
import { type MatrixClient, request } from "./request.ts";

/** How long to wait, and for whom. */
export interface RoomOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** How to enter a room. */
export interface JoinOptions extends RoomOptions {
  /** Servers that are in the room, for a room id that our own server does not know. @default {[]} */
  readonly via?: readonly string[];
}

/** More servers are of no use, and would make the address too long. */
const MAX_VIA = 10;

/**
 * Finds the room that an alias points at: `GET /directory/room/{roomAlias}`.
 *
 * @returns the room_id
 * @throws whatever {@linkcode request} throws; M_NOT_FOUND when there is no such alias
 */
export async function resolveAlias(client: MatrixClient, alias: string, options: RoomOptions): Promise<string> {
  return roomIdOf(await request(client, { method: "GET", path: ["directory", "room", alias], ...options }));
}

/**
 * Joins a room: `POST /join/{roomIdOrAlias}`. Nothing happens where we are in it. The servers to join by are named twice: `via` since version 1.12 of the
 * specification, `server_name` for servers that are older.
 *
 * @returns the room_id
 * @throws whatever {@linkcode request} throws; M_FORBIDDEN when nobody invited us
 */
export async function joinRoom(client: MatrixClient, room: string, options: JoinOptions): Promise<string> {
  const { via = [], ...rest } = options;
  const servers = [...new Set(via)].slice(0, MAX_VIA);
  const query = new URLSearchParams(["via", "server_name"].flatMap((key) => servers.map((server) => [key, server])));
  const asked = { method: "POST", path: ["join", room], body: {}, ...rest } as const;
  return roomIdOf(await request(client, servers.length === 0 ? asked : { ...asked, query }));
}

/**
 * Invites a user: `POST /rooms/{roomId}/invite`.
 *
 * @throws whatever {@linkcode request} throws; M_FORBIDDEN when we may not, or when the user is in the room
 */
export async function inviteUser(
  client: MatrixClient,
  roomId: string,
  { userId, ...options }: RoomOptions & { readonly userId: string },
): Promise<void> {
  await request(client, {
    method: "POST",
    path: ["rooms", roomId, "invite"],
    body: { user_id: userId },
    ...options,
  });
}

/**
 * Leaves a room, or declines an invite: `POST /rooms/{roomId}/leave`.
 *
 * @throws whatever {@linkcode request} throws
 */
export async function leaveRoom(client: MatrixClient, roomId: string, options: RoomOptions): Promise<void> {
  await request(client, { method: "POST", path: ["rooms", roomId, "leave"], body: {}, ...options });
}

/**
 * The rooms that we are in: `GET /joined_rooms`.
 *
 * @returns their ids
 * @throws whatever {@linkcode request} throws
 */
export async function joinedRooms(client: MatrixClient, options: RoomOptions): Promise<string[]> {
  const answer = await request(client, { method: "GET", path: ["joined_rooms"], ...options });
  const rooms = Array.isArray(answer.joined_rooms) ? answer.joined_rooms : [];
  return rooms.filter((room) => typeof room === "string");
}

/**
 * Reads the room_id of an answer.
 *
 * @throws {NotTheServiceError} when there is none
 */
export function roomIdOf({ room_id }: Readonly<Record<string, unknown>>): string {
  if (typeof room_id === "string" && /^!./.test(room_id)) return room_id;
  throw missingField("room_id");
}
