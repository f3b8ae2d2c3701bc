/** A direct chat with a person, as a message to that person would find or make it. */

import { openDirectChat } from "../../channels/matrix/direct_chat.ts";
import { RoomCacheFile } from "../../channels/room_cache_file.ts";
import { requireGuest } from "../guests.ts";
import { withServerErrors } from "../server_trouble.ts";
import { type Room, ROOM_TIMEOUT_MS, type RoomDesk, type RoomWay } from "./room_way.ts";

const HINTS = { M_FORBIDDEN: "is the user id right, and may the account invite that person?" };

/** The direct chat with a person. */
export const directChat: RoomWay = {
  option: "direct",
  title: () => "to you, in a direct chat",
  async run(desk) {
    const given = desk.args.text("direct");
    const person = given !== undefined ? requireGuest(given) : await desk.asker.ask({
      text: "Your own user id",
      option: "--direct @you:example.org",
      read: requireGuest,
    });
    return await chatWith(person, desk);
  },
};

/** Finds the chat with a person, or makes it. */
export async function chatWith(person: string, { client, done, runtime, signal, stateDir }: RoomDesk): Promise<Room> {
  const memory = new RoomCacheFile(stateDir, runtime);
  const { roomId } = await withServerErrors(
    `open the direct chat with ${person}`,
    () => openDirectChat(client, { person, memory, timeoutMs: ROOM_TIMEOUT_MS, signal }),
    HINTS,
  );
  done.push(`the chat with ${person}`);
  return { room: person, roomId };
}
