/**
 * Requests about our account: user id, display name, device name and direct chats (Client-Server
 * API, "Profiles", "Direct Messaging").
 */

import { MatrixError, missingField } from "./errors.ts";
import { isDeviceId, isRoomId, isUserId } from "./ids.ts";
import { type MatrixClient, request, type RequestOptions } from "./request.ts";

/** The owner of an access token: a user and a device. */
export interface Whoami {
  readonly userId: string;
  /** The id of the device. Absent for a token that an administrator created. */
  readonly deviceId?: string;
}

/**
 * Asks the homeserver for the owner of the access token: `GET /account/whoami`.
 *
 * @throws the errors of {@linkcode request}
 */
export async function whoami(client: MatrixClient, options: RequestOptions): Promise<Whoami> {
  const answer = await request(client, { method: "GET", path: ["account", "whoami"], ...options });
  if (!isUserId(answer.user_id)) throw missingField("user_id");
  return {
    userId: answer.user_id,
    ...(isDeviceId(answer.device_id) ? { deviceId: answer.device_id } : {}),
  };
}

/**
 * Checks whether a user exists, by requesting the display name: `GET
 * /profile/{userId}/displayname`.
 *
 * @returns undefined if the result is unknown, for example because the homeserver hides profiles or
 * cannot reach the user's server
 * @throws the errors of {@linkcode request}; a {@linkcode MatrixError} only if the homeserver
 * refuses the access token
 */
export async function userExists(
  client: MatrixClient,
  { userId, ...options }: RequestOptions & { readonly userId: string },
): Promise<boolean | undefined> {
  try {
    await request(client, { method: "GET", path: ["profile", userId, "displayname"], ...options });
    return true;
  } catch (error) {
    if (!(error instanceof MatrixError) || error.failureClass === "credentials") throw error;
    return error.status === 404 && error.errcode === "M_NOT_FOUND" ? false : undefined;
  }
}

/**
 * Sets the name that people see next to our messages: `PUT /profile/{userId}/displayname`.
 *
 * @throws the errors of {@linkcode request}; M_FORBIDDEN if users may not change their names
 */
export async function setDisplayName(
  client: MatrixClient,
  name: string,
  { userId, ...options }: RequestOptions & { readonly userId: string },
): Promise<void> {
  await request(client, {
    method: "PUT",
    path: ["profile", userId, "displayname"],
    body: { displayname: name },
    ...options,
  });
}

/**
 * Sets the name of a device in the user's list of devices: `PUT /devices/{deviceId}`.
 *
 * @throws the errors of {@linkcode request}
 */
export async function setDeviceName(
  client: MatrixClient,
  device: { readonly deviceId: string; readonly name: string },
  options: RequestOptions,
): Promise<void> {
  const { deviceId, name } = device;
  await request(client, { method: "PUT", path: ["devices", deviceId], body: { display_name: name }, ...options });
}

/**
 * The content of `m.direct`, in which clients store direct chats: a list of room ids for each user
 * id. The server does not check this content, so the content can have any form.
 */
export type DirectChats = Readonly<Record<string, unknown>>;

/**
 * Reads `m.direct` from the account data.
 *
 * @throws the errors of {@linkcode request}
 */
export async function readDirectChats(
  client: MatrixClient,
  { userId, ...options }: RequestOptions & { readonly userId: string },
): Promise<DirectChats> {
  try {
    return await request(client, { method: "GET", path: ["user", userId, "account_data", "m.direct"], ...options });
  } catch (error) {
    if (error instanceof MatrixError && error.status === 404 && error.errcode === "M_NOT_FOUND") return {};
    throw error;
  }
}

/**
 * Returns the room ids of the direct chats with a person. The newest room is at the end of the
 * list.
 */
export function findDirectRooms(chats: DirectChats, person: string): string[] {
  const rooms = Object.hasOwn(chats, person) ? chats[person] : undefined;
  return Array.isArray(rooms) ? rooms.filter(isRoomId) : [];
}

/**
 * Adds a room to the direct chats with a person. The content of `m.direct` can only be replaced as
 * a whole. If another client replaces the content at nearly the same time, one of the two changes
 * can be lost.
 *
 * @throws the errors of {@linkcode request}
 */
export async function addDirectChat(
  client: MatrixClient,
  { person, roomId }: { readonly person: string; readonly roomId: string },
  options: RequestOptions & { readonly userId: string },
): Promise<void> {
  const { userId, ...rest } = options;
  const chats = await readDirectChats(client, options);
  const rooms = findDirectRooms(chats, person);
  if (rooms.includes(roomId)) return;
  await request(client, {
    method: "PUT",
    path: ["user", userId, "account_data", "m.direct"],
    body: { ...chats, [person]: [...rooms, roomId] },
    ...rest,
  });
}
