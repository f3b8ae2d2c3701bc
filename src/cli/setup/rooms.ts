/**
 * The second step of `setup`: chooses an existing room, creates a room, or opens a direct chat.
 * Then checks that the account may send to the room.
 *
 * @module
 */

import type { Account } from "../../accounts/account.ts";
import { openSession } from "../../accounts/session.ts";
import { formatDuration } from "../../base/duration.ts";
import { USER_AGENT } from "../../base/version.ts";
import { openDirectChat } from "../../channels/matrix/direct_chat.ts";
import { RoomCacheFile } from "../../channels/room_cache.ts";
import { MatrixError } from "../../matrix/errors.ts";
import { powerToSend, readState, userPower } from "../../matrix/room_state.ts";
import type { MatrixClient } from "../../matrix/request.ts";
import { createRoom, resolveAlias } from "../../matrix/rooms.ts";
import { type Invite, syncRooms, waitForInvites } from "../../matrix/sync.ts";
import { CommandError } from "../errors.ts";
import { EXIT } from "../exit_codes.ts";
import { describeRoom, formatRoom } from "../matrix_account.ts";
import {
  enterRoom,
  requireInvitee,
  requireRoom,
  requireUsers,
  ROOM_TIMEOUT_MS,
  warnIfEncrypted,
  withServerErrors,
} from "../matrix_rooms.ts";
import type { SetupContext } from "./context.ts";
import { type Choice, createChoiceQuestion } from "./prompter.ts";

/** A room that the account has joined. */
export interface Room {
  /** The value of `room` in the configuration: an id, an alias or a user id. */
  readonly room: string;
  readonly roomId: string;
}

/** The context of a running `setup` after the login. */
interface RoomContext extends SetupContext {
  readonly client: MatrixClient;
  readonly userId: string;
}

type RoomOption = "room" | "create-room" | "direct";

/** A way to choose a room. */
interface RoomSource {
  /**
   * The option that selects this source. Undefined if only the list of choices offers the source.
   */
  readonly option?: RoomOption;
  /** Returns the text in the list of choices, or undefined if the source is not available. */
  title(context: RoomContext): string | undefined;
  /**
   * Finds or creates the room, and joins it.
   *
   * @throws {HintedError} if the room does not exist, or if the account cannot join it
   */
  open(context: RoomContext): Promise<Room>;
}

const CURRENT_ROOM: RoomSource = {
  title(context) {
    const { room } = context.plan.before;
    return room && `the current room: ${formatRoom(context, room)}`;
  },
  open: (context) => joinExisting(context.plan.before.room ?? "", context),
};

const EXISTING_ROOM: RoomSource = {
  option: "room",
  title: ({ userId }) => `an existing room (invite ${userId} first)`,
  open: askForRoom,
};

const NEW_ROOM: RoomSource = {
  option: "create-room",
  title: () => "a new room (you get an invite)",
  open: askForNewRoom,
};

const DIRECT_CHAT: RoomSource = {
  option: "direct",
  title: () => "a direct chat with you",
  open: askForPerson,
};

const ROOM_SOURCES: readonly RoomSource[] = [CURRENT_ROOM, EXISTING_ROOM, NEW_ROOM, DIRECT_CHAT];

/** The options that select a room. */
export const ROOM_OPTIONS: readonly RoomOption[] = ROOM_SOURCES.flatMap(({ option }) => option ?? []);

/**
 * Chooses a room from an option or a question, and joins the room.
 *
 * @throws {UsageError} if there is neither an option for the room nor a terminal
 * @throws {CommandError} if the account cannot join the room, or has no permission to send to it
 */
export async function chooseRoom(
  context: SetupContext,
  { userId, homeserver }: Pick<Account, "userId" | "homeserver">,
): Promise<Room> {
  const { args, connected, plan, prompter, stateDir } = context;
  const credentials = openSession(stateDir, userId, USER_AGENT).credentials(connected);
  const client = { runtime: connected, baseUrl: homeserver, userAgent: USER_AGENT, credentials };
  const roomContext: RoomContext = { ...context, client, userId };
  const open = async (source: RoomSource) => {
    const room = await source.open(roomContext);
    await verifyCanSend(room, roomContext);
    await describeRoom(context, client, { roomId: room.roomId, timeoutMs: ROOM_TIMEOUT_MS, signal: context.signal });
    return room;
  };
  const selected = ROOM_SOURCES.find(({ option }) => option !== undefined && args.text(option) !== undefined);
  if (selected !== undefined) return await open(selected);
  const choices = ROOM_SOURCES.flatMap((source): Choice<RoomSource>[] => {
    const title = source.title(roomContext);
    return title === undefined ? [] : [{ title, value: source }];
  });
  return await prompter.ask(createChoiceQuestion(choices, {
    text: "Where to send notifications",
    option: "--room '!id', --create-room NAME or --direct USER",
    defaultAnswer: prompter.isInteractive || plan.before.room !== undefined ? "1" : undefined,
    accept: open,
  }));
}

/**
 * Checks that the account has a sufficient power level (permission level in Matrix), and prints a
 * warning if the room is encrypted. Without this check, the test message would fail, but the error
 * would not explain the reason.
 */
async function verifyCanSend({ room, roomId }: Room, { client, signal, ui, userId }: RoomContext): Promise<void> {
  const read = (type: string) =>
    withServerErrors(
      `read the settings of ${room}`,
      () => readState(client, { roomId, type, timeoutMs: ROOM_TIMEOUT_MS, signal }),
    );
  const state = { create: await read("m.room.create"), powerLevels: await read("m.room.power_levels") };
  const has = userPower(userId, state), needs = powerToSend("m.room.message", state);
  if (has < needs) {
    throw new CommandError(
      `Cannot send to ${room}: the account ${userId} has power level ${has}, but sending needs ${needs}`,
      EXIT.noPerm,
      {
        hint:
          "raise the power level of the account in the room settings, or lower the level for sending messages; then run setup again",
      },
    );
  }
  await warnIfEncrypted(client, { room, roomId, signal }, ui);
}

const WAIT_ANSWER = "wait";

async function askForRoom(context: RoomContext): Promise<Room> {
  const given = context.args.text("room");
  if (given !== undefined) return await joinExisting(given, context);
  return await context.prompter.ask({
    text: `Room id or alias, or "${WAIT_ANSWER}" for an invite`,
    option: "--room '!id'",
    defaultAnswer: WAIT_ANSWER,
    accept: (answer) => answer === WAIT_ANSWER ? joinInvited(context) : joinExisting(answer, context),
  });
}

/** Joins a room. If the account needs an invite, waits for the invite. */
async function joinExisting(room: string, context: RoomContext): Promise<Room> {
  const { client, done, signal } = context;
  const reference = requireRoom(room);
  if (reference.kind === "user") return await openChatWith(reference.userId, context);
  const roomId = await enterRoom(client, room, { signal }).catch(async (error) => {
    if (!mayNeedInvite(error)) throw error;
    const roomId = reference.kind === "id" ? reference.roomId : await resolve(reference.alias, context);
    await waitForInvite(roomId, { ...context, what: room });
    return await enterRoom(client, roomId, { signal });
  });
  done.push(`the room ${room}`);
  return { room, roomId };
}

/**
 * Returns true if the account may be able to join the room after an invite. This includes status
 * 404, because a homeserver may not know a room of another server before the invite.
 */
function mayNeedInvite(error: unknown): boolean {
  if (!(error instanceof CommandError) || !(error.cause instanceof MatrixError)) return false;
  const { failureClass, status } = error.cause;
  return failureClass === "destination" || status === 404;
}

async function resolve(alias: string, { client, signal }: RoomContext): Promise<string> {
  return await withServerErrors(
    `find ${alias}`,
    () => resolveAlias(client, alias, { timeoutMs: ROOM_TIMEOUT_MS, signal }),
    { "404": "check the spelling; for a room without an alias, use its id" },
  );
}

/**
 * Waits for invites to any room. The user chooses one of the invites, because strangers can also
 * send invites. Then joins the room.
 */
async function joinInvited(context: RoomContext): Promise<Room> {
  const { client, done, prompter, signal } = context;
  const invites = await waitForInvite(undefined, { ...context, what: "the room" });
  const invite = await prompter.ask(createChoiceQuestion<Invite | undefined, Invite | undefined>([
    ...invites.map((invite) => ({ title: formatInvite(invite), value: invite })),
    { title: "cancel", value: undefined },
  ], { text: "Room for the notifications", option: "--room '!id'", defaultAnswer: "1", accept: (value) => value }));
  if (invite === undefined) throw new CommandError("Cannot join a room: no invite was chosen", EXIT.tempFail);
  const roomId = await enterRoom(client, invite.roomId, { signal });
  done.push(`the room ${roomId}`);
  return { room: roomId, roomId };
}

function formatInvite({ name = "a room without a name", roomId, inviter = "an unknown user" }: Invite): string {
  return `${name} (${roomId}), by ${inviter}`;
}

/** The default of `--wait`, in milliseconds. */
const INVITE_WAIT_MS = 5 * 60_000;

/**
 * Waits for an invite to a room, or to any room if `roomId` is undefined.
 *
 * @throws {CommandError} if no invite arrives in time
 */
async function waitForInvite(
  roomId: string | undefined,
  { args, client, runtime: { sleep }, signal, ui, userId, what }: RoomContext & { readonly what: string },
): Promise<readonly Invite[]> {
  const waitMs = args.durationMs("wait") ?? INVITE_WAIT_MS;
  ui.tell(`Invite ${userId} to ${what} now. Waiting for up to ${formatDuration(waitMs)}; press Ctrl-C to stop …`);
  const options = { roomId, waitMs, sleep, timeoutMs: ROOM_TIMEOUT_MS, signal };
  const invites = await withServerErrors("wait for an invite", () => waitForInvites(client, options));
  if (invites.length > 0) return invites;
  throw new CommandError(
    `Cannot join ${what}: no invite for ${userId} arrived within ${formatDuration(waitMs)}`,
    EXIT.tempFail,
    { hint: `invite ${userId}, then run the same command again` },
  );
}

async function askForNewRoom(context: RoomContext): Promise<Room> {
  const { args, prompter } = context;
  const name = args.text("create-room") ?? await prompter.ask({
    text: "Room name",
    option: "--create-room NAME",
    defaultAnswer: "Notifications",
    accept: (answer) => answer,
  });
  const existing = await findCreatedBefore(name, context);
  if (existing !== undefined) return { room: existing, roomId: existing };
  const given = args.list("invite").map(requireInvitee);
  const invite = given.length > 0 ? given : await prompter.ask({
    text: "User ids to invite, including yours",
    option: "--invite @you:example.org",
    accept: (answer) => answer.split(/[\s,]+/).filter((part) => part !== "").map(requireInvitee),
  });
  return await createNewRoom({ name, invite }, context);
}

/**
 * Finds the room with this name that an earlier run of `setup` created. Without this check, each
 * run would create another room.
 */
async function findCreatedBefore(name: string, { client, plan, signal }: RoomContext): Promise<string | undefined> {
  const { room } = plan.before;
  if (room === undefined) return undefined;
  const { joined } = await withServerErrors(
    "list the rooms",
    () => syncRooms(client, { timeoutMs: ROOM_TIMEOUT_MS, signal }),
  );
  return joined.find((each) => each.roomId === room && each.name === name)?.roomId;
}

async function createNewRoom(
  { name, invite }: { readonly name: string; readonly invite: readonly string[] },
  { client, done, signal, ui }: RoomContext,
): Promise<Room> {
  await requireUsers(client, invite, { signal });
  // This preset gives the invited users the power level of the creator.
  const preset = "trusted_private_chat";
  const roomId = await withServerErrors(
    "create the room",
    () => createRoom(client, { name, invite, preset, timeoutMs: ROOM_TIMEOUT_MS, signal }),
    { M_FORBIDDEN: "check that the account may create rooms and that each user id is correct" },
  );
  ui.tell(`Created ${name} (${roomId}) and invited ${invite.join(", ")}`);
  done.push(`the room ${roomId}`);
  return { room: roomId, roomId };
}

async function askForPerson(context: RoomContext): Promise<Room> {
  const given = context.args.text("direct");
  const person = given !== undefined ? requireInvitee(given) : await context.prompter.ask({
    text: "Your user id",
    option: "--direct @you:example.org",
    accept: requireInvitee,
  });
  return await openChatWith(person, context);
}

/**
 * Finds or creates the direct chat with a person. Later notifications to that person are sent to
 * this chat.
 */
async function openChatWith(person: string, context: RoomContext): Promise<Room> {
  const { client, done, runtime, signal, stateDir } = context;
  await requireUsers(client, [person], { signal });
  const memory = new RoomCacheFile(stateDir, runtime);
  const { roomId } = await withServerErrors(
    `open the direct chat with ${person}`,
    () => openDirectChat(client, { person, memory, timeoutMs: ROOM_TIMEOUT_MS, signal }),
    { M_FORBIDDEN: "check that the user id is correct and that the account may invite that person" },
  );
  done.push(`the chat with ${person}`);
  return { room: person, roomId };
}
