/** Ways to a room, as data: a new one is a file and its line in `room.ts`. */

import type { MatrixClient } from "../../matrix/request.ts";
import type { SetupContext } from "./desk.ts";

/** Longer than a server needs for a question about a room, milliseconds. */
export const ROOM_TIMEOUT_MS = 60_000;

/** A wizard that has a session. */
export interface RoomDesk extends SetupContext {
  readonly client: MatrixClient;
  readonly userId: string;
}

/** A room that we are in. */
export interface Room {
  /** How the channel names it: an id, an alias or a person. */
  readonly room: string;
  readonly roomId: string;
}

/** A way to a room. */
export interface RoomWay {
  /** The option that asks for it; absent where it is only ever offered. */
  readonly option?: string;
  /** How it is called when a person chooses; undefined when it cannot be gone. */
  title(desk: RoomDesk): string | undefined;
  /** @throws {HintedError} that says why there is no such room */
  run(desk: RoomDesk): Promise<Room>;
}
