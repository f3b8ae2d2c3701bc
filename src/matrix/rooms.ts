/** Rooms: aliases and membership (Client-Server API, "Room aliases", "Room membership"). */

import { NotTheServiceError } from "../errors.ts";
import { type MatrixClient, request } from "./request.ts";

/** How long to wait, and for whom. */
export interface RoomOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/**
 * Finds the room that an alias points at: `GET /directory/room/{roomAlias}`.
 *
 * @returns the room_id
 * @throws whatever {@linkcode request} throws; M_NOT_FOUND when there is no such alias
 */
export async function resolveAlias(client: MatrixClient, alias: string, options: RoomOptions): Promise<string> {
  const answer = await request(client, { method: "GET", path: ["directory", "room", alias], ...options });
  if (typeof answer.room_id === "string") return answer.room_id;
  throw new NotTheServiceError("The answer holds no room_id: it does not come from a homeserver", { status: 200 });
}

/**
 * Joins a room: `POST /join/{roomIdOrAlias}`. Nothing happens where we are in it.
 *
 * @throws whatever {@linkcode request} throws; M_FORBIDDEN when nobody invited us
 */
export async function joinRoom(client: MatrixClient, roomId: string, options: RoomOptions): Promise<void> {
  await request(client, { method: "POST", path: ["join", roomId], body: {}, ...options });
}
