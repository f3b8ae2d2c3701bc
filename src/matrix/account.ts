/**
 * The account: its user id, its names, and its direct chats (Client-Server API, "Profiles", "Direct
 * Messaging").
 */

import { MatrixError, missingField } from "./errors.ts";
import { type MatrixClient, request, type RequestOptions } from "./request.ts";

/** The user and the device that an access token belongs to. */
export interface Whoami {
  readonly userId: string;
  /** Absent for a token that an administrator created. */
  readonly deviceId?: string;
}

/**
 * Reads the user that the access token belongs to: `GET /account/whoami`.
 *
 * @throws the errors of {@linkcode request}
 */
export async function whoami(client: MatrixClient, options: RequestOptions): Promise<Whoami> {
  const answer = await request(client, { method: "GET", path: ["account", "whoami"], ...options });
  if (typeof answer.user_id !== "string") throw missingField("user_id");
  return {
    userId: answer.user_id,
    ...(typeof answer.device_id === "string" ? { deviceId: answer.device_id } : {}),
  };
}

/**
 * Sets the name that people see beside our messages: `PUT /profile/{userId}/displayname`.
 *
 * @throws the errors of {@linkcode request}; M_FORBIDDEN if the server alone sets names
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
 * The content of `m.direct`, in which clients keep direct chats: lists of room ids by user id.
 * Nothing checks it.
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

/** Finds the rooms of a person among direct chats, the newest last. */
export function findDirectRooms(chats: DirectChats, person: string): string[] {
  const rooms = Object.hasOwn(chats, person) ? chats[person] : undefined;
  return Array.isArray(rooms) ? rooms.filter((room) => typeof room === "string" && /^!./.test(room)) : [];
}

/**
 * Adds a room to a person's direct chats. Account data can only be replaced as a whole, so another
 * client that writes at the same moment may undo this.
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
