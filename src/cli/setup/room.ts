/** The room: one that is there, a new one, or a direct chat; and whether the account is heard in it. */

import type { Account } from "../../accounts/account.ts";
import { openSession } from "../../accounts/session.ts";
import { powerOf, powerToSend } from "../../matrix/power_levels.ts";
import { readState } from "../../matrix/room_state.ts";
import { USER_AGENT } from "../../base/version.ts";
import { CommandError } from "../command_error.ts";
import { EXIT } from "../exit_codes.ts";
import { withServerErrors } from "../server_trouble.ts";
import { type Choice, choiceOf } from "./asker.ts";
import type { SetupContext } from "./desk.ts";
import { directChat } from "./direct_chat.ts";
import { existingRoom, keptRoom } from "./existing_room.ts";
import { newRoom } from "./new_room.ts";
import { type Room, ROOM_TIMEOUT_MS, type RoomDesk, type RoomWay } from "./room_way.ts";

const ROOM_WAYS: readonly RoomWay[] = [keptRoom, existingRoom, newRoom, directChat];

/**
 * Comes to a room.
 *
 * @throws {UsageError} when the options say none, and nobody can be asked
 * @throws {CommandError} when the account is not let in, or may not speak
 */
export async function chooseRoom(
  desk: SetupContext,
  { userId, homeserver }: Pick<Account, "userId" | "homeserver">,
): Promise<Room> {
  const { args, asker, online, plan, stateDir } = desk;
  const credentials = openSession(stateDir, userId, USER_AGENT).credentials(online);
  const client = { runtime: online, baseUrl: homeserver, userAgent: USER_AGENT, credentials };
  const roomDesk: RoomDesk = { ...desk, client, userId };
  const run = async (way: RoomWay) => await heardIn(await way.run(roomDesk), roomDesk);
  const asked = ROOM_WAYS.find(({ option }) => option !== undefined && args.text(option) !== undefined);
  if (asked !== undefined) return await run(asked);
  const choices = ROOM_WAYS.flatMap((way): Choice<RoomWay>[] => {
    const title = way.title(roomDesk);
    return title === undefined ? [] : [{ title, value: way }];
  });
  return await asker.ask(choiceOf(choices, {
    text: "Where notifications go",
    option: "--room '!id', --create-room NAME or --direct USER",
    usual: asker.isPerson || plan.before.room !== undefined ? "1" : undefined,
    read: run,
  }));
}

/** A message would find out too; here it is known who must do what about it. */
async function heardIn(room: Room, { client, signal, ui, userId }: RoomDesk): Promise<Room> {
  const read = (type: string) =>
    withServerErrors(
      `look into ${room.room}`,
      () => readState(client, { roomId: room.roomId, type, timeoutMs: ROOM_TIMEOUT_MS, signal }),
    );
  const state = { create: await read("m.room.create"), powerLevels: await read("m.room.power_levels") };
  const has = powerOf(userId, state), needs = powerToSend("m.room.message", state);
  if (has < needs) {
    throw new CommandError(
      `Cannot send to ${room.room}: ${userId} has power ${has} there, and messages need ${needs}`,
      EXIT.noPerm,
      { hint: "raise its power in the room's settings, or lower what messages need; then go on" },
    );
  }
  if (await read("m.room.encryption") !== undefined) {
    ui.warn("The room is encrypted, and our messages are not: clients mark them, and homeservers can read them");
  }
  return room;
}
