/** A Matrix room: whether the account is in it, may speak there, and is heard. */

import { MatrixError } from "../../matrix/errors.ts";
import { parseRoom, ROOM_MENTION } from "../../matrix/ids.ts";
import {
  type PowerState,
  powerToMentionRoom,
  powerToSend,
  readMembership,
  readReplacement,
  readState,
  userPower,
} from "../../matrix/room_state.ts";
import { syncRooms } from "../../matrix/sync.ts";
import type { Check } from "../check.ts";
import { limitsOf } from "../context.ts";
import { failure, type Found, ok, skipped, warning } from "../finding.ts";
import type { MatrixPatient, RoomPatient } from "./patient.ts";

/** Where the account stands. */
const room: Check<RoomPatient> = {
  name: "room",
  needs: ["account"],
  async *look(room) {
    const roomId = await findRoom(room);
    if (typeof roomId === "object") {
      yield roomId;
      return;
    }
    const { userId } = await room.channel.whoami();
    if (roomId === undefined) {
      yield ok(`there is no chat with ${room.name} yet: the first message makes it`);
    } else if ((await room.channel.joined()).includes(roomId)) {
      yield ok(`${userId} is in ${room.name}${roomId === room.name ? "" : ` (${roomId})`}`);
    } else yield await outside(room, { roomId, userId });
  },
};

/** @returns the room, or why there is none */
async function findRoom(room: RoomPatient): Promise<string | undefined | Found> {
  if (parseRoom(room.name) === undefined) return skipped("not looked at: configuration comes first");
  try {
    return await room.roomId();
  } catch (error) {
    if (!(error instanceof MatrixError) || error.status !== 404) throw error;
    return failure(
      `there is no room ${room.name}: ${error.message}`,
      "is the alias written right? the id of a room is in its settings, in Element under Advanced",
    );
  }
}

async function outside(
  { name, channel }: RoomPatient,
  { roomId, userId }: { readonly roomId: string; readonly userId: string },
): Promise<Found> {
  const limits = limitsOf(channel.context);
  const { invites } = await syncRooms(channel.client, limits);
  const enter = `matrix-notify join '${name}' --channel ${channel.source.name}`;
  if (invites.some((invite) => invite.roomId === roomId)) {
    return warning(
      `${userId} is invited to ${name}, and not in it yet: the first message enters`,
      `run: ${enter}`,
    );
  }
  const membership = await readMembership(channel.client, { roomId, userId, ...limits }).catch((error) => {
    if (error instanceof MatrixError && (error.status === 403 || error.status === 404)) return undefined;
    throw error;
  });
  if (membership === "ban") {
    return failure(`${userId} is banned from ${name}`, "lift the ban there, and invite the account again");
  }
  const state = membership === "leave" ? "has left, or was removed from," : "is not in";
  return failure(
    `${userId} ${state} ${name}`,
    `is the id right? lift a ban if there is one, invite ${userId} there, then run: ${enter}`,
  );
}

/** What is asked of a room that the account is in. */
async function inside(room: RoomPatient, look: (roomId: string) => Promise<Found>): Promise<Found> {
  const roomId = await room.roomId();
  if (roomId === undefined || !(await room.channel.joined()).includes(roomId)) {
    return skipped("not looked at: the account is not in the room yet");
  }
  return await look(roomId);
}

/** Whether it may speak. */
const power: Check<RoomPatient> = {
  name: "power",
  needs: ["room"],
  async *look(room) {
    yield await inside(room, async (roomId) => {
      const { userId } = await room.channel.whoami();
      const state = await powersIn(roomId, room);
      const has = userPower(userId, state), needs = powerToSend("m.room.message", state);
      if (has >= needs) return ok(`${userId} may send messages`);
      return failure(
        `${userId} may not send messages: it has power ${has}, and they need ${needs}`,
        "raise its power in the room's settings, or lower what messages need",
      );
    });
  },
};

/** Whether those whom it calls can hear it. */
const mentions: Check<RoomPatient> = {
  name: "mentions",
  needs: ["room"],
  async *look(room) {
    for (const mention of room.channel.mentions) {
      yield await inside(
        room,
        (roomId) => mention === ROOM_MENTION ? all(room, roomId) : one(room, { roomId, mention }),
      );
    }
  },
};

async function powersIn(roomId: string, { channel: { client, context } }: RoomPatient): Promise<PowerState> {
  const read = (type: string) => readState(client, { roomId, type, ...limitsOf(context) });
  return { create: await read("m.room.create"), powerLevels: await read("m.room.power_levels") };
}

async function all(room: RoomPatient, roomId: string): Promise<Found> {
  const { userId } = await room.channel.whoami();
  const state = await powersIn(roomId, room);
  const has = userPower(userId, state), needs = powerToMentionRoom(state);
  if (has >= needs) return ok(`${userId} may mention ${ROOM_MENTION}`);
  return warning(
    `${userId} mentions ${ROOM_MENTION}, and nobody is called: it has power ${has}, and that needs ${needs}`,
    "raise its power in the room's settings, or lower what notifying everybody needs, or mention users",
  );
}

async function one(
  { channel: { client, context } }: RoomPatient,
  { roomId, mention }: { readonly roomId: string; readonly mention: string },
): Promise<Found> {
  const membership = await readMembership(client, { roomId, userId: mention, ...limitsOf(context) });
  if (membership === "join") return ok(`${mention} is there to be mentioned`);
  return warning(`${mention} is mentioned, and is not in the room`, "invite them there, or mention somebody else");
}

/** Whether it is understood. */
const encryption: Check<RoomPatient> = {
  name: "encryption",
  needs: ["room"],
  async *look(room) {
    const { client, context } = room.channel;
    yield await inside(room, async (roomId) => {
      const state = await readState(client, { roomId, type: "m.room.encryption", ...limitsOf(context) });
      if (state === undefined) return ok("the room is not encrypted");
      return warning(
        "the room is encrypted, and our messages are not: the homeservers can read them, and clients mark them with a warning",
        "use a room without encryption: matrix-notify room create NAME --invite @you:example.org",
      );
    });
  },
};

/** Whether the room is the one that people look into. */
const replacement: Check<RoomPatient> = {
  name: "replacement",
  needs: ["room"],
  async *look(room) {
    const { client, context, source } = room.channel;
    yield await inside(room, async (roomId) => {
      const next = await readReplacement(client, { roomId, ...limitsOf(context) });
      if (next === undefined) return ok("the room was not replaced");
      const isIn = (await room.channel.joined()).includes(next.roomId);
      if (isIn) return ok(`the room was replaced by ${next.roomId}, which messages follow`);
      return warning(
        `the room was replaced by ${next.roomId}, which the account is not in yet: messages follow as soon as it lets us in`,
        `run: matrix-notify join '${next.roomId}'${
          next.via.map((server) => ` --via ${server}`).join("")
        } --channel ${source.name}`,
      );
    });
  },
};

const ROOM_CHECKS: readonly Check<RoomPatient>[] = [room, power, mentions, encryption, replacement];

/** What is asked of each room of a channel. Where there are several, the name of a check says of which. */
export function roomChecks(channel: MatrixPatient): Check<MatrixPatient>[] {
  const { rooms } = channel;
  const checks = channel.mentions.length > 0 ? ROOM_CHECKS : ROOM_CHECKS.filter((check) => check !== mentions);
  return rooms.flatMap((each) => {
    const place = rooms.length === 1 ? "" : ` ${each.name}`;
    const own = (name: string) => checks.some((check) => check.name === name) ? `${name}${place}` : name;
    return checks.map(({ name, needs, look }) => ({
      name: own(name),
      needs: needs?.map(own),
      look: () => look(each),
    }));
  });
}
