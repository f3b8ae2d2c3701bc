/** `POST /createRoom`. */

import { type Answer, jsonAnswer, matrixError } from "./answer.ts";
import type { JsonObject } from "./content.ts";
import { refuseInvite } from "./membership_endpoints.ts";
import { defaultPowerLevels } from "./power.ts";
import { opaqueId } from "./rooms.ts";
import type { TokenAsk, World } from "./world.ts";

const PRESETS = ["private_chat", "public_chat", "trusted_private_chat"];

/** Versions in which a room id has the server's name in it. */
const LAST_VERSION_WITH_DOMAIN = 11;

/** The room is there before anybody is invited, so that a guest who cannot be invited leaves a room behind, as with Synapse. */
export function createRoom(world: World, { token, body }: TokenAsk): Answer {
  const wanted = read(world, body.value);
  if ("status" in wanted) return wanted;
  const { invite, alias, preset, version, name, creation, isDirect } = wanted;
  const { rooms, serverName } = world;
  if (alias !== undefined && rooms.byAlias(alias) !== undefined) {
    return matrixError(400, "M_ROOM_IN_USE", "Room alias already taken");
  }
  const hasCreators = Number(version) > LAST_VERSION_WITH_DOMAIN;
  const equals = preset === "trusted_private_chat" ? invite : [];
  const powerful = hasCreators ? [] : [token.userId, ...equals];
  const room = rooms.create({
    members: [token.userId],
    roomId: hasCreators ? undefined : `${opaqueId("!").slice(0, 19)}:${serverName}`,
    version,
    public: preset === "public_chat",
    creation: { ...creation, ...(hasCreators && equals.length > 0 ? { additional_creators: equals } : {}) },
    powerLevels: defaultPowerLevels(version, Object.fromEntries(powerful.map((user) => [user, 100]))),
    name,
    alias,
  });
  for (const guest of invite) {
    const refusal = refuseInvite(world, room, { sender: token.userId, guest });
    if (refusal !== undefined) return refusal;
    rooms.invite(room, guest, { sender: token.userId, isDirect });
  }
  return jsonAnswer(200, { room_id: room.roomId });
}

interface Wanted {
  readonly invite: readonly string[];
  readonly alias: string | undefined;
  readonly preset: string;
  readonly version: string;
  readonly name: string | undefined;
  readonly creation: JsonObject;
  readonly isDirect: boolean;
}

function read({ serverName, software }: World, value: JsonObject): Wanted | Answer {
  const { invite = [], room_alias_name, preset = "private_chat", name, creation_content = {}, is_direct } = value;
  const version = value.room_version ?? (software === "Synapse" ? "12" : "10");
  if (name !== undefined && typeof name !== "string") return matrixError(400, "M_UNKNOWN", "'name' not a string type");
  if (typeof preset !== "string" || !PRESETS.includes(preset)) {
    return matrixError(400, "M_BAD_JSON", `'${preset}' is not a valid preset`);
  }
  if (typeof version !== "string" || !/^([1-9]|1[0-2])$/.test(version)) {
    return matrixError(400, "M_UNSUPPORTED_ROOM_VERSION", "Your homeserver does not support this room version");
  }
  if (!Array.isArray(invite) || !invite.every((guest) => typeof guest === "string")) {
    return matrixError(400, "M_BAD_JSON", "invite must be a list of strings");
  }
  const stranger = invite.find((guest) => !/^@[^:]+:.+$/.test(guest));
  if (stranger !== undefined) return matrixError(400, "M_UNKNOWN", `Invalid user_id: ${stranger}`);
  if (room_alias_name !== undefined) {
    if (typeof room_alias_name !== "string") {
      return matrixError(400, "M_UNKNOWN", "'room_alias_name' not a string type");
    }
    if (/\s/.test(room_alias_name)) return matrixError(400, "M_UNKNOWN", "Invalid characters in room alias");
    if (room_alias_name.includes(":")) {
      return matrixError(400, "M_UNKNOWN", "':' is not permitted in the room alias name.");
    }
  }
  if (typeof creation_content !== "object" || creation_content === null || Array.isArray(creation_content)) {
    return matrixError(400, "M_BAD_JSON", "creation_content must be an object");
  }
  return {
    invite,
    alias: room_alias_name === undefined ? undefined : `#${room_alias_name}:${serverName}`,
    preset,
    version,
    name,
    creation: { ...creation_content },
    isDirect: is_direct === true,
  };
}
