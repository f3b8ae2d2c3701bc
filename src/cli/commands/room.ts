/** `room …`: make a room, and see which there are. */

import { DIRECT_MARK } from "../../channels/matrix/direct_chat.ts";
import { addDirectChat } from "../../matrix/account.ts";
import { createRoom } from "../../matrix/create_room.ts";
import type { MatrixClient } from "../../matrix/request.ts";
import { whoami } from "../../matrix/session.ts";
import { syncRooms } from "../../matrix/sync.ts";
import type { Invite, JoinedRoom } from "../../matrix/sync_rooms.ts";
import { UsageError } from "../arguments.ts";
import type { CommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { requireGuest } from "../guests.ts";
import { openMatrixClient } from "../matrix_client.ts";
import { type ServerHints, withServerErrors } from "../server_trouble.ts";
import { printable } from "../ui.ts";

const TIMEOUT_MS = 60_000;

const HINTS: ServerHints = {
  M_ROOM_IN_USE: "choose another alias, or join the room that has it",
  M_FORBIDDEN:
    "may the account make rooms, and can everybody be invited? see what was made with: matrix-notify room list",
};

/** `room create`. */
export async function create(context: CommandContext): Promise<number> {
  const { args, ui } = context;
  const [name] = args.operands;
  const invite = guests(context);
  const alias = args.text("alias");
  if (alias !== undefined && /[\s:#]/.test(alias)) {
    throw new UsageError(
      `Cannot use --alias "${printable(alias)}": it is more than a local part`,
      "write alerts for #alerts:example.org",
    );
  }
  const { client, channel } = openMatrixClient(context);
  const [person] = args.has("direct") ? invite : [];
  const direct = person === undefined
    ? {}
    : { isDirect: true, preset: "trusted_private_chat", creationContent: { [DIRECT_MARK]: person } } as const;
  const roomId = await withServerErrors(
    "create the room",
    () => createRoom(client, { name, invite, alias, ...direct, timeoutMs: TIMEOUT_MS }),
    HINTS,
  );
  if (args.has("json")) ui.json({ roomId, channel });
  else ui.data(`created ${printable(roomId)}`);
  if (person !== undefined) await note(client, { person, roomId }, context);
  return EXIT.ok;
}

/** @throws {UsageError} when somebody is no user, or a direct chat is not with one person */
function guests({ args }: CommandContext): readonly string[] {
  const invite = args.list("invite").map(requireGuest);
  if (args.has("direct") && invite.length !== 1) {
    throw new UsageError(
      `Cannot make a direct chat: it is with one person, and --invite names ${invite.length || "nobody"}`,
      "write --direct --invite @name:example.org",
    );
  }
  return invite;
}

/** The room is there by now: what fails here costs a mark in a list. */
async function note(
  client: MatrixClient,
  chat: { readonly person: string; readonly roomId: string },
  { ui }: CommandContext,
): Promise<void> {
  try {
    const { userId } = await whoami(client, { timeoutMs: TIMEOUT_MS });
    await addDirectChat(client, chat, { userId, timeoutMs: TIMEOUT_MS });
  } catch (error) {
    ui.warn(`Cannot mark the room as a direct chat: ${error instanceof Error ? error.message : error}`);
  }
}

/** `room list`. */
export async function list(context: CommandContext): Promise<number> {
  const { args, ui } = context;
  const { client } = openMatrixClient(context);
  const { joined, invites } = await withServerErrors(
    "list the rooms",
    () => syncRooms(client, { timeoutMs: TIMEOUT_MS }),
  );
  if (args.has("json")) {
    for (const { creator: _creator, creation: _creation, ...room } of joined) ui.json({ ...room, membership: "join" });
    for (const invite of invites) ui.json({ ...invite, membership: "invite" });
    return EXIT.ok;
  }
  for (const room of joined) ui.data(line(room, []));
  for (const invite of invites) {
    const what = invite.isDirect ? "direct chat" : "invite";
    ui.data(line(invite, [ui.paint(`${what} from ${printable(invite.inviter ?? "somebody")}`, "yellow")]));
  }
  if (joined.length + invites.length === 0) ui.data("no rooms, and no invites");
  return EXIT.ok;
}

function line(room: JoinedRoom | Invite, marks: readonly string[]): string {
  const { roomId, name = "(no name)", alias, version, isEncrypted, replacement } = room;
  const about = [
    alias,
    version && `version ${version}`,
    isEncrypted && "encrypted",
    replacement && `replaced by ${replacement}`,
  ].filter((part) => typeof part === "string" && part !== "").map((part) => printable(String(part)));
  return `${printable(roomId)}  ${printable(name)}  ${[...about, ...marks].join(", ")}`;
}
