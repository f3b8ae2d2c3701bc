/** Entering a room, with words for what stands in the way. */

import type { MatrixClient } from "../matrix/request.ts";
import { type JoinOptions, joinRoom } from "../matrix/rooms.ts";
import { type ServerHints, withServerErrors } from "./server_trouble.ts";

/** Another server may have to be asked, which takes its time. */
const JOIN_TIMEOUT_MS = 120_000;

const HINTS: ServerHints = {
  M_FORBIDDEN: "somebody in the room must invite this account first; then run it again",
  M_BAD_STATE: "somebody with power in the room must lift the ban",
  M_NOT_FOUND: "is it spelled right? a room without an alias is joined by its id",
  "404":
    "does the room exist? one that the homeserver does not know yet needs a server that is in it: --via example.org",
  "400": "in Element: room settings, Advanced, Internal room ID; in a shell, put it in single quotes",
};

/**
 * Joins a room.
 *
 * @param room its id or an alias
 * @returns its id
 * @throws {CommandError} when we are not let in; its cause is what the server said
 */
export async function enterRoom(
  client: MatrixClient,
  room: string,
  options: Omit<JoinOptions, "timeoutMs"> = {},
): Promise<string> {
  return await withServerErrors(
    `join ${room}`,
    () => joinRoom(client, room, { ...options, timeoutMs: JOIN_TIMEOUT_MS }),
    HINTS,
  );
}
