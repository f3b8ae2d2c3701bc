/** `room create` and `room list`. */

import { addDirectChat, whoami } from "../../matrix/account.ts";
import type { MatrixClient } from "../../matrix/request.ts";
import { createRoom } from "../../matrix/rooms.ts";
import { type Invite, type JoinedRoom, syncRooms } from "../../matrix/sync.ts";
import { type Command, type ContextFor, defineCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { EXIT } from "../exit_codes.ts";
import {
  requireInvitee,
  requireUsers,
  ROOM_TIMEOUT_MS,
  type ServerHints,
  warnIfEncrypted,
  withServerErrors,
} from "../matrix_rooms.ts";
import { ACCOUNT_OPTIONS } from "../options.ts";
import { printable } from "../../base/printable.ts";

const CREATE_OPTIONS = [
  { name: "invite", value: "USER", repeats: true, summary: "invite @name:example.org" },
  { name: "direct", summary: "use the room as the direct chat with the invited person" },
  { name: "alias", value: "NAME", summary: 'local part of the alias: "alerts" gives #alerts:example.org' },
  ...ACCOUNT_OPTIONS,
] as const;

type CreateContext = ContextFor<typeof CREATE_OPTIONS>;

export const create: Command = defineCommand({
  operands: "NAME",
  options: CREATE_OPTIONS,
  details: [
    "Only invited people can join the room. The room is not encrypted. If the homeserver encrypts all new rooms, " +
    "room create prints a warning.",
    "To send to one person, you do not need to create a room. Set @name:example.org as the room of the channel, or " +
    "use send --room. matrix-notify finds the direct chat, or creates the chat if it does not exist.",
  ],
  examples: [
    "matrix-notify room create Alerts --invite @alice:example.org --alias alerts",
    "matrix-notify room create Alerts --direct --invite @alice:example.org",
  ],
  run: createNamed,
});

export const list: Command = defineCommand({
  operands: "",
  options: ACCOUNT_OPTIONS,
  examples: ["matrix-notify room list"],
  run: printRooms,
});

const CREATE_HINTS: ServerHints = {
  M_ROOM_IN_USE: "choose another alias, or join the existing room with this alias",
  M_FORBIDDEN: "check that the account may create rooms and that each user id is correct; " +
    "list the rooms with: matrix-notify room list",
};

async function createNamed(context: CreateContext): Promise<number> {
  const { args, ui } = context;
  const [name] = args.operands;
  const invite = requireInvitees(context);
  const alias = args.text("alias");
  if (alias !== undefined && /[\s:#]/.test(alias)) {
    throw new UsageError(
      `Cannot use --alias "${printable(alias)}": only the local part is allowed`,
      'example: "alerts" gives #alerts:example.org',
    );
  }
  const { openMatrixClient, rememberNames } = await import("../matrix_account.ts");
  const { DIRECT_MARK } = await import("../../channels/matrix/direct_chat.ts");
  const { client, channel } = await openMatrixClient(context);
  const [person] = args.has("direct") ? invite : [];
  const direct = person === undefined
    ? {}
    : { isDirect: true, preset: "trusted_private_chat", creationContent: { [DIRECT_MARK]: person } } as const;
  await requireUsers(client, invite);
  const roomId = await withServerErrors(
    "create the room",
    () => createRoom(client, { name, invite, alias, ...direct, timeoutMs: ROOM_TIMEOUT_MS }),
    CREATE_HINTS,
  );
  await rememberNames(context, { [roomId]: name });
  if (args.has("json")) ui.json({ roomId, channel });
  else ui.data(`created ${printable(roomId)}`);
  await warnIfEncrypted(client, { room: roomId, roomId }, ui);
  if (person !== undefined) await markAsDirect(client, { person, roomId }, context);
  return EXIT.ok;
}

/**
 * Returns the user ids to invite.
 *
 * @throws {UsageError} if a value is not a user id, or if `--direct` is given with no `--invite` or
 *   with several
 */
function requireInvitees({ args }: CreateContext): readonly string[] {
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
 * Adds the room to the account's list of direct chats. If this fails, prints only a warning,
 * because the room has already been created.
 */
async function markAsDirect(
  client: MatrixClient,
  chat: { readonly person: string; readonly roomId: string },
  { ui }: CreateContext,
): Promise<void> {
  try {
    const { userId } = await whoami(client, { timeoutMs: ROOM_TIMEOUT_MS });
    await addDirectChat(client, chat, { userId, timeoutMs: ROOM_TIMEOUT_MS });
  } catch (error) {
    ui.warn(`Cannot mark the room as a direct chat: ${error instanceof Error ? error.message : error}`);
  }
}

async function printRooms(context: ContextFor<typeof ACCOUNT_OPTIONS>): Promise<number> {
  const { args, ui } = context;
  const { openMatrixClient, rememberNames } = await import("../matrix_account.ts");
  const { client } = await openMatrixClient(context);
  const { joined, invites } = await withServerErrors(
    "list the rooms",
    () => syncRooms(client, { timeoutMs: ROOM_TIMEOUT_MS }),
  );
  const names = joined.map(({ roomId, name, alias }) => [roomId, name || alias]);
  await rememberNames(context, Object.fromEntries(names));
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
