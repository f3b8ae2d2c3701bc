/** A new room, to which people are invited who may do in it what they like. */

import { createRoom } from "../../matrix/create_room.ts";
import { syncRooms } from "../../matrix/sync.ts";
import { requireGuest } from "../guests.ts";
import { withServerErrors } from "../server_trouble.ts";
import { type Room, ROOM_TIMEOUT_MS, type RoomDesk, type RoomWay } from "./room_way.ts";

const HINTS = { M_FORBIDDEN: "may the account make rooms, and can everybody be invited?" };

/** A room that the account makes. */
export const newRoom: RoomWay = {
  option: "create-room",
  title: () => "to a new room, to which it invites you",
  async run(desk) {
    const { args, asker } = desk;
    const name = args.text("create-room") ?? await asker.ask({
      text: "Name of the room",
      option: "--create-room NAME",
      usual: "Notifications",
      read: (answer) => answer,
    });
    const there = await madeBefore(name, desk);
    if (there !== undefined) return { room: there, roomId: there };
    const given = args.list("invite").map(requireGuest);
    const invite = given.length > 0 ? given : await asker.ask({
      text: "Your own user id, and those of others to invite",
      option: "--invite @you:example.org",
      read: (answer) => answer.split(/[\s,]+/).filter((part) => part !== "").map(requireGuest),
    });
    return await make({ name, invite }, desk);
  },
};

/** The second run with the same options makes no second room. */
async function madeBefore(name: string, { client, plan, signal }: RoomDesk): Promise<string | undefined> {
  const { room } = plan.before;
  if (room === undefined) return undefined;
  const { joined } = await withServerErrors(
    "look for the room",
    () => syncRooms(client, { timeoutMs: ROOM_TIMEOUT_MS, signal }),
  );
  return joined.find((each) => each.roomId === room && each.name === name)?.roomId;
}

async function make(
  { name, invite }: { readonly name: string; readonly invite: readonly string[] },
  { client, done, signal, ui }: RoomDesk,
): Promise<Room> {
  const preset = "trusted_private_chat";
  const roomId = await withServerErrors(
    "create the room",
    () => createRoom(client, { name, invite, preset, timeoutMs: ROOM_TIMEOUT_MS, signal }),
    HINTS,
  );
  ui.tell(`Made ${name} (${roomId}), and invited ${invite.join(", ")}`);
  done.push(`the room ${roomId}`);
  return { room: roomId, roomId };
}
