/** Making a room (Client-Server API, "Creation"). */

import { type MatrixClient, request } from "./request.ts";
import { roomIdOf, type RoomOptions } from "./rooms.ts";

/** The room to make. None is encrypted, unless the server decides so for all of them. */
export interface CreateRoomOptions extends RoomOptions {
  /** The name that people see. */
  readonly name?: string;
  /** User ids. */
  readonly invite?: readonly string[];
  /** Marks the invites as those to a direct chat. */
  readonly isDirect?: boolean;
  /** The local part of an alias: `alerts` for `#alerts:example.org`. */
  readonly alias?: string;
  /** `trusted_private_chat` gives those who are invited our own power. @default {"private_chat"} */
  readonly preset?: "private_chat" | "trusted_private_chat";
  /** What else stands in the room's first event, for ever. */
  readonly creationContent?: Readonly<Record<string, string>>;
}

/**
 * Makes a room: `POST /createRoom`. It is not idempotent. Synapse makes the room before it invites, so that after a refusal too there may be
 * one that holds only us.
 *
 * @returns the room_id
 * @throws whatever {@linkcode request} throws; M_ROOM_IN_USE when the alias is taken
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
  return roomIdOf(answer);
}
