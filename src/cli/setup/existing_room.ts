/** A room that is there: it is entered at once, or as soon as somebody in it invites the account. */

import { formatDuration } from "../../base/duration.ts";
import { MatrixError } from "../../matrix/errors.ts";
import { parseRoom, type RoomReference } from "../../matrix/ids.ts";
import { resolveAlias } from "../../matrix/rooms.ts";
import { waitForInvites } from "../../matrix/sync.ts";
import type { Invite } from "../../matrix/sync_rooms.ts";
import { UsageError } from "../arguments.ts";
import { CommandError } from "../command_error.ts";
import { enterRoom } from "../enter_room.ts";
import { EXIT } from "../exit_codes.ts";
import { withServerErrors } from "../server_trouble.ts";
import { choiceOf } from "./asker.ts";
import { chatWith } from "./direct_chat.ts";
import { type Room, ROOM_TIMEOUT_MS, type RoomDesk, type RoomWay } from "./room_way.ts";

/** How long an invite is waited for, milliseconds. */
const INVITE_WAIT_MS = 5 * 60_000;

/** What a person answers who has no name for the room. */
const WAIT = "wait";

/** The room that the channel has by now. */
export const keptRoom: RoomWay = {
  title: ({ plan }) => plan.before.room && `where they go now: ${plan.before.room}`,
  run: (desk) => enter(desk.plan.before.room ?? "", desk),
};

/** A room that somebody names, or invites the account to. */
export const existingRoom: RoomWay = {
  option: "room",
  title: ({ userId }) => `to a room that you have, after you invite ${userId} to it`,
  async run(desk) {
    const given = desk.args.text("room");
    if (given !== undefined) return await enter(given, desk);
    return await desk.asker.ask({
      text: "Id or alias of the room, or wait for an invite",
      option: "--room '!id'",
      usual: WAIT,
      read: (answer) => answer === WAIT ? enterAny(desk) : enter(answer, desk),
    });
  },
};

/**
 * Reads what a room can be named by.
 *
 * @throws {UsageError} when it is nothing of the kind
 */
export function requireRoom(room: string): RoomReference {
  const reference = parseRoom(room);
  if (reference !== undefined) return reference;
  throw new UsageError(
    `Cannot use the room "${room}": it is neither a room id (!…) nor an alias (#name:example.org)`,
    "in Element: room settings, Advanced, Internal room ID; in a shell, put it in single quotes",
  );
}

async function enter(room: string, desk: RoomDesk): Promise<Room> {
  const reference = requireRoom(room);
  if (reference.kind === "user") return await chatWith(reference.userId, desk);
  const { client, signal } = desk;
  const roomId = await enterRoom(client, room, { signal }).catch(async (error) => {
    if (!isUninvited(error)) throw error;
    const roomId = reference.kind === "id" ? reference.roomId : await idOf(reference.alias, desk);
    await invitesTo(roomId, { ...desk, what: room });
    return await enterRoom(client, roomId, { signal });
  });
  desk.done.push(`the room ${room}`);
  return { room, roomId };
}

/** A room id that our server does not know becomes known by the invite. */
function isUninvited(error: unknown): boolean {
  if (!(error instanceof CommandError) || !(error.cause instanceof MatrixError)) return false;
  const { errcode, status } = error.cause;
  return errcode === "M_FORBIDDEN" || errcode === "M_UNSUPPORTED_ROOM_VERSION" || status === 404;
}

async function idOf(alias: string, { client, signal }: RoomDesk): Promise<string> {
  return await withServerErrors(
    `find ${alias}`,
    () => resolveAlias(client, alias, { timeoutMs: ROOM_TIMEOUT_MS, signal }),
    {
      "404": "is it spelled right? a room without an alias is named by its id",
    },
  );
}

/** Strangers send invites too, so that somebody must say that it is the right one. */
async function enterAny(desk: RoomDesk): Promise<Room> {
  const { asker, client, signal } = desk;
  const invites = await invitesTo(undefined, { ...desk, what: "the room" });
  const invite = await asker.ask(choiceOf<Invite | undefined, Invite | undefined>([
    ...invites.map((invite) => ({ title: titleOf(invite), value: invite })),
    { title: "none of these", value: undefined },
  ], { text: "The room for the notifications", option: "--room '!id'", usual: "1", read: (value) => value }));
  if (invite === undefined) throw new CommandError("Cannot enter a room: none of the invites is wanted", EXIT.tempFail);
  const roomId = await enterRoom(client, invite.roomId, { signal });
  desk.done.push(`the room ${roomId}`);
  return { room: roomId, roomId };
}

function titleOf({ name = "a room without a name", roomId, inviter = "somebody" }: Invite): string {
  return `${name} (${roomId}), by ${inviter}`;
}

/** @throws {CommandError} when nobody invited us in time */
async function invitesTo(
  roomId: string | undefined,
  { args, client, runtime: { sleep }, signal, ui, userId, what }: RoomDesk & { readonly what: string },
): Promise<readonly Invite[]> {
  const waitMs = args.durationMs("wait") ?? INVITE_WAIT_MS;
  ui.tell(`Invite ${userId} to ${what} now. Waiting for ${formatDuration(waitMs)} at most; Ctrl-C stops it …`);
  const asked = { roomId, waitMs, sleep, timeoutMs: ROOM_TIMEOUT_MS, signal };
  const invites = await withServerErrors("wait for an invite", () => waitForInvites(client, asked));
  if (invites.length > 0) return invites;
  throw new CommandError(
    `Cannot enter ${what}: nobody has invited ${userId} within ${formatDuration(waitMs)}`,
    EXIT.tempFail,
    { hint: `invite ${userId} there, and go on with the same command` },
  );
}
