/**
 * Requests about rooms: aliases, creation and membership (Client-Server API, "Room aliases",
 * "Creation", "Room membership").
 */

import { missingField } from "./errors.ts";
import { isRoomId } from "./ids.ts";
import { type MatrixClient, request, type RequestOptions } from "./request.ts";

/**
 * Resolves a room alias: `GET /directory/room/{roomAlias}`.
 *
 * @returns the room_id
 * @throws the errors of {@linkcode request}; M_NOT_FOUND if the alias does not exist
 */
export async function resolveAlias(client: MatrixClient, alias: string, options: RequestOptions): Promise<string> {
  return parseRoomId(await request(client, { method: "GET", path: ["directory", "room", alias], ...options }));
}

/**
 * Options of {@linkcode createRoom}. The room is encrypted only if the server encrypts all new
 * rooms.
 */
export interface CreateRoomOptions extends RequestOptions {
  /** The name that people see. */
  readonly name?: string;
  /** The ids of the users to invite. */
  readonly invite?: readonly string[];
  /** True if the invites mark the room as a direct chat. */
  readonly isDirect?: boolean;
  /** The local part of the alias, such as `alerts` for `#alerts:example.org`. */
  readonly alias?: string;
  /**
   * The server's template for the settings of the room. With `trusted_private_chat`, the invited
   * users get the same power level as our account.
   *
   * @default {"private_chat"}
   */
  readonly preset?: "private_chat" | "trusted_private_chat";
  /** Additional fields of the room's first event. These fields cannot be changed later. */
  readonly creationContent?: Readonly<Record<string, string>>;
}

/**
 * Creates a room: `POST /createRoom`. A repeated request creates a second room. Synapse creates the
 * room before it invites the users. Therefore the room may exist even if the server answers with an
 * error.
 *
 * @returns the room_id
 * @throws the errors of {@linkcode request}; M_ROOM_IN_USE if the alias already exists
 */
export async function createRoom(client: MatrixClient, options: CreateRoomOptions): Promise<string> {
  const { name, invite = [], isDirect, alias, preset = "private_chat", creationContent, timeoutMs, signal } = options;
  const answer = await request(client, {
    method: "POST",
    path: ["createRoom"],
    body: {
      preset,
      invite,
      ...(name === undefined ? {} : { name }),
      ...(isDirect ? { is_direct: true } : {}),
      ...(alias === undefined ? {} : { room_alias_name: alias }),
      ...(creationContent === undefined ? {} : { creation_content: creationContent }),
    },
    timeoutMs,
    signal,
  });
  return parseRoomId(answer);
}

/** Options of {@linkcode joinRoom}. */
export interface JoinOptions extends RequestOptions {
  /**
   * The names of servers that are in the room. Our server needs these names to join a room that it
   * does not know.
   *
   * @default {[]}
   */
  readonly via?: readonly string[];
}

/** The maximum number of servers in the query. More servers could make the URL too long. */
const MAX_VIA = 10;

/**
 * Joins a room: `POST /join/{roomIdOrAlias}`. Does nothing if we are already in the room. The names
 * in `via` are sent in two query parameters: `via` for servers that support version 1.12 or later
 * of the specification, and `server_name` for older servers.
 *
 * @returns the room_id
 * @throws the errors of {@linkcode request}; M_FORBIDDEN if we are not invited
 */
export async function joinRoom(client: MatrixClient, room: string, options: JoinOptions): Promise<string> {
  const { via = [], ...rest } = options;
  const servers = [...new Set(via)].slice(0, MAX_VIA);
  const query = new URLSearchParams(["via", "server_name"].flatMap((key) => servers.map((server) => [key, server])));
  const details = { method: "POST", path: ["join", room], body: {}, ...rest } as const;
  return parseRoomId(await request(client, servers.length === 0 ? details : { ...details, query }));
}

/**
 * Invites a user: `POST /rooms/{roomId}/invite`.
 *
 * @throws the errors of {@linkcode request}; M_FORBIDDEN if we may not invite users, or if the user
 * is already in the room
 */
export async function inviteUser(
  client: MatrixClient,
  roomId: string,
  { userId, ...options }: RequestOptions & { readonly userId: string },
): Promise<void> {
  await request(client, {
    method: "POST",
    path: ["rooms", roomId, "invite"],
    body: { user_id: userId },
    ...options,
  });
}

/**
 * Lists the rooms that we are in: `GET /joined_rooms`.
 *
 * @returns room ids
 * @throws the errors of {@linkcode request}
 */
export async function joinedRooms(client: MatrixClient, options: RequestOptions): Promise<string[]> {
  const answer = await request(client, { method: "GET", path: ["joined_rooms"], ...options });
  const rooms = Array.isArray(answer.joined_rooms) ? answer.joined_rooms : [];
  return rooms.filter(isRoomId);
}

function parseRoomId({ room_id }: Readonly<Record<string, unknown>>): string {
  if (isRoomId(room_id)) return room_id;
  throw missingField("room_id");
}
