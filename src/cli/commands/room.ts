/** `room create` and `room list`: creates a Matrix room, and lists the rooms of the account. */

import { DIRECT_MARK } from "../../channels/matrix/direct_chat.ts";
import { addDirectChat, whoami } from "../../matrix/account.ts";
import { createRoom } from "../../matrix/rooms.ts";
import type { MatrixClient } from "../../matrix/request.ts";
import { type Invite, type JoinedRoom, syncRooms } from "../../matrix/sync.ts";
import { UsageError } from "../arguments.ts";
import type { CommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { openMatrixClient } from "../matrix_account.ts";
import { requireInvitee, ROOM_TIMEOUT_MS, type ServerHints, withServerErrors } from "../matrix_rooms.ts";
import { printable } from "../ui.ts";

const CREATE_HINTS: ServerHints = {
  M_ROOM_IN_USE: "choose another alias, or join the room that has it",
  M_FORBIDDEN: "check that the account may create rooms and that each user id is right; " +
    "see what was created with: matrix-notify room list",
};

/** Runs `room create`. */
export async function create(context: CommandContext): Promise<number> {
  const { args, ui } = context;
  const [name] = args.operands;
  const invite = requireInvitees(context);
  const alias = args.text("alias");
  if (alias !== undefined && /[\s:#]/.test(alias)) {
    throw new UsageError(
      `Cannot use --alias "${printable(alias)}": it must be the local part only`,
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
    () => createRoom(client, { name, invite, alias, ...direct, timeoutMs: ROOM_TIMEOUT_MS }),
    CREATE_HINTS,
  );
  if (args.has("json")) ui.json({ roomId, channel });
  else ui.data(`created ${printable(roomId)}`);
  if (person !== undefined) await markAsDirect(client, { person, roomId }, context);
  return EXIT.ok;
}

/** @throws {UsageError} if one is not a user id, or if a direct chat has not exactly one */
function requireInvitees({ args }: CommandContext): readonly string[] {
  const invite = args.list("invite").map(requireInvitee);
  if (args.has("direct") && invite.length !== 1) {
    throw new UsageError(
      `Cannot create a direct chat: it needs exactly one --invite, not ${invite.length}`,
      "write --direct --invite @name:example.org",
    );
  }
  return invite;
}

/**
 * Adds the room to the account's list of direct chats. The room exists already, so a failure is
 * only a warning.
 */
async function markAsDirect(
  client: MatrixClient,
  chat: { readonly person: string; readonly roomId: string },
  { ui }: CommandContext,
): Promise<void> {
  try {
    const { userId } = await whoami(client, { timeoutMs: ROOM_TIMEOUT_MS });
    await addDirectChat(client, chat, { userId, timeoutMs: ROOM_TIMEOUT_MS });
  } catch (error) {
    ui.warn(`Cannot mark the room as a direct chat: ${error instanceof Error ? error.message : error}`);
  }
}

/** Runs `room list`. */
export async function list(context: CommandContext): Promise<number> {
  const { args, ui } = context;
  const { client } = openMatrixClient(context);
  const { joined, invites } = await withServerErrors(
    "list the rooms",
    () => syncRooms(client, { timeoutMs: ROOM_TIMEOUT_MS }),
  );
  if (args.has("json")) {
    for (const { creator: _creator, creation: _creation, ...room } of joined) ui.json({ ...room, membership: "join" });
    for (const invite of invites) ui.json({ ...invite, membership: "invite" });
    return EXIT.ok;
  }
  for (const room of joined) ui.data(formatRoom(room, []));
  for (const invite of invites) {
    const what = invite.isDirect ? "direct chat" : "invite";
    ui.data(formatRoom(invite, [ui.paint(`${what} from ${printable(invite.inviter ?? "an unknown user")}`, "yellow")]));
  }
  if (joined.length + invites.length === 0) ui.data("no rooms and no invites");
  return EXIT.ok;
}

function formatRoom(room: JoinedRoom | Invite, marks: readonly string[]): string {
  const { roomId, name = "(no name)", alias, version, isEncrypted, replacement } = room;
  const details = [
    alias,
    version && `version ${version}`,
    isEncrypted && "encrypted",
    replacement && `replaced by ${replacement}`,
  ].filter((part) => typeof part === "string" && part !== "").map((part) => printable(String(part)));
  return `${printable(roomId)}  ${printable(name)}  ${[...details, ...marks].join(", ")}`;
}
