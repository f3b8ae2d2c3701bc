/** The account itself: how it is called, and the direct chats that it remembers (Client-Server API, "Profiles", "Direct Messaging"). */

import { MatrixError } from "./errors.ts";
import { type MatrixClient, request } from "./request.ts";
import type { RoomOptions } from "./rooms.ts";

/**
 * Sets the name that people see beside our messages: `PUT /profile/{userId}/displayname`.
 *
 * @throws whatever {@linkcode request} throws; M_FORBIDDEN where the server gives names itself
 */
export async function setDisplayName(
  client: MatrixClient,
  name: string,
  { userId, ...options }: RoomOptions & { readonly userId: string },
): Promise<void> {
  await request(client, {
    method: "PUT",
    path: ["profile", userId, "displayname"],
    body: { displayname: name },
    ...options,
  });
}

/** The account data that clients keep direct chats in: lists of rooms by user (Client-Server API, `m.direct`). */
export type DirectChats = Readonly<Record<string, unknown>>;

/**
 * Reads `m.direct`.
 *
 * @throws whatever {@linkcode request} throws
 */
export async function readDirectChats(
  client: MatrixClient,
  { userId, ...options }: RoomOptions & { readonly userId: string },
): Promise<DirectChats> {
  try {
    return await request(client, { method: "GET", path: ["user", userId, "account_data", "m.direct"], ...options });
  } catch (error) {
    if (error instanceof MatrixError && error.status === 404 && error.errcode === "M_NOT_FOUND") return {};
    throw error;
  }
}

/** The rooms of a person among direct chats, the newest last; nobody guarantees what stands there. */
export function directRooms(chats: DirectChats, person: string): string[] {
  const rooms = Object.hasOwn(chats, person) ? chats[person] : undefined;
  return Array.isArray(rooms) ? rooms.filter((room) => typeof room === "string" && /^!./.test(room)) : [];
}

/**
 * Adds a room to a person's direct chats. Account data can only be replaced as a whole, so that a client which writes at the same moment may win.
 *
 * @throws whatever {@linkcode request} throws
 */
export async function addDirectChat(
  client: MatrixClient,
  { person, roomId }: { readonly person: string; readonly roomId: string },
  options: RoomOptions & { readonly userId: string },
): Promise<void> {
  const { userId, ...rest } = options;
  const chats = await readDirectChats(client, options);
  const rooms = directRooms(chats, person);
  if (rooms.includes(roomId)) return;
  await request(client, {
    method: "PUT",
    path: ["user", userId, "account_data", "m.direct"],
    body: { ...chats, [person]: [...rooms, roomId] },
    ...rest,
  });
}
