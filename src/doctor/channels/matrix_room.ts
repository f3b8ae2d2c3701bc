/** A Matrix room: whether the account is in it, may speak there, and is heard. */

import { MatrixError } from "../../matrix/errors.ts";
import { parseRoom } from "../../matrix/ids.ts";
import { powerOf, powerToSend } from "../../matrix/power_levels.ts";
import { readMembership, readReplacement, readState } from "../../matrix/room_state.ts";
import { syncRooms } from "../../matrix/sync.ts";
import type { Check } from "../check.ts";
import { limitsOf } from "../context.ts";
import { failure, type Found, ok, skipped, warning } from "../finding.ts";
import type { MatrixPatient } from "./patient.ts";

/** Where the account stands. */
export const room: Check<MatrixPatient> = {
  name: "room",
  needs: ["account"],
  async *look(patient) {
    const roomId = await findRoom(patient);
    if (typeof roomId === "object") {
      yield roomId;
      return;
    }
    const { userId } = await patient.whoami();
    if (roomId === undefined) {
      yield ok(`there is no chat with ${patient.room} yet: the first message makes it`);
    } else if ((await patient.joined()).includes(roomId)) {
      yield ok(`${userId} is in ${patient.room}${roomId === patient.room ? "" : ` (${roomId})`}`);
    } else yield await outside(patient, { roomId, userId });
  },
};

/** @returns the room, or why there is none */
async function findRoom(patient: MatrixPatient): Promise<string | undefined | Found> {
  if (parseRoom(patient.room) === undefined) return skipped("not looked at: configuration comes first");
  try {
    return await patient.roomId();
  } catch (error) {
    if (!(error instanceof MatrixError) || error.status !== 404) throw error;
    return failure(
      `there is no room ${patient.room}: ${error.message}`,
      "is the alias written right? the id of a room is in its settings, in Element under Advanced",
    );
  }
}

async function outside(
  patient: MatrixPatient,
  { roomId, userId }: { readonly roomId: string; readonly userId: string },
): Promise<Found> {
  const limits = limitsOf(patient.context);
  const { invites } = await syncRooms(patient.client, limits);
  const enter = `matrix-notify join '${patient.room}' --channel ${patient.source.name}`;
  if (invites.some((invite) => invite.roomId === roomId)) {
    return warning(
      `${userId} is invited to ${patient.room}, and not in it yet: the first message enters`,
      `run: ${enter}`,
    );
  }
  const membership = await readMembership(patient.client, { roomId, userId, ...limits }).catch((error) => {
    if (error instanceof MatrixError && (error.status === 403 || error.status === 404)) return undefined;
    throw error;
  });
  if (membership === "ban") {
    return failure(`${userId} is banned from ${patient.room}`, "lift the ban there, and invite the account again");
  }
  const state = membership === "leave" ? "has left, or was removed from," : "is not in";
  return failure(
    `${userId} ${state} ${patient.room}`,
    `is the id right? lift a ban if there is one, invite ${userId} there, then run: ${enter}`,
  );
}

/** What is asked of a room that the account is in. */
async function inside(patient: MatrixPatient, look: (roomId: string) => Promise<Found>): Promise<Found> {
  const roomId = await patient.roomId();
  if (roomId === undefined || !(await patient.joined()).includes(roomId)) {
    return skipped("not looked at: the account is not in the room yet");
  }
  return await look(roomId);
}

/** Whether it may speak. */
export const power: Check<MatrixPatient> = {
  name: "power",
  needs: ["room"],
  async *look(patient) {
    yield await inside(patient, async (roomId) => {
      const { userId } = await patient.whoami();
      const read = (type: string) => readState(patient.client, { roomId, type, ...limitsOf(patient.context) });
      const state = { create: await read("m.room.create"), powerLevels: await read("m.room.power_levels") };
      const has = powerOf(userId, state), needs = powerToSend("m.room.message", state);
      if (has >= needs) return ok(`${userId} may send messages`);
      return failure(
        `${userId} may not send messages: it has power ${has}, and they need ${needs}`,
        "raise its power in the room's settings, or lower what messages need",
      );
    });
  },
};

/** Whether it is understood. */
export const encryption: Check<MatrixPatient> = {
  name: "encryption",
  needs: ["room"],
  async *look(patient) {
    yield await inside(patient, async (roomId) => {
      const state = await readState(patient.client, {
        roomId,
        type: "m.room.encryption",
        ...limitsOf(patient.context),
      });
      if (state === undefined) return ok("the room is not encrypted");
      return warning(
        "the room is encrypted, and our messages are not: the homeservers can read them, and clients mark them with a warning",
        "use a room without encryption: matrix-notify room create NAME --invite @you:example.org",
      );
    });
  },
};

/** Whether the room is the one that people look into. */
export const replacement: Check<MatrixPatient> = {
  name: "replacement",
  needs: ["room"],
  async *look(patient) {
    yield await inside(patient, async (roomId) => {
      const next = await readReplacement(patient.client, { roomId, ...limitsOf(patient.context) });
      if (next === undefined) return ok("the room was not replaced");
      const isIn = (await patient.joined()).includes(next.roomId);
      if (isIn) return ok(`the room was replaced by ${next.roomId}, which messages follow`);
      return warning(
        `the room was replaced by ${next.roomId}, which the account is not in yet: messages follow as soon as it lets us in`,
        `run: matrix-notify join '${next.roomId}'${
          next.via.map((server) => ` --via ${server}`).join("")
        } --channel ${patient.source.name}`,
      );
    });
  },
};
