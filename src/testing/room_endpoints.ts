/** The endpoints of rooms: creation, directory, membership and state. */

import { isObject } from "../base/fields.ts";
import { type Answer, jsonAnswer, matrixError } from "./answer.ts";
import { checkNames, type JsonObject } from "./content.ts";
import type { AuthenticatedRequest, EndpointRequest, HomeserverState } from "./homeserver_state.ts";
import type { Token } from "./homeserver_types.ts";
import {
  checkPower,
  createId,
  defaultPowerLevels,
  findActionLevel,
  findState,
  findUserLevel,
  type Room,
  type TimelineEvent,
} from "./rooms.ts";

const PRESETS = ["private_chat", "public_chat", "trusted_private_chat"];

/**
 * The maximum length of an alias, including `#` and the server name (Synapse, `api/constants.py`).
 */
const MAX_ALIAS_CHARS = 255;

/** The last room version whose room ids contain the name of the server. */
const LAST_VERSION_WITH_DOMAIN = 11;

/**
 * Creates a room, and then invites users. If a user cannot be invited, the new room still exists,
 * as with Synapse.
 */
export function createRoom(state: HomeserverState, { token, body }: AuthenticatedRequest): Answer {
  const parsed = parseRoomOptions(state, body.value);
  if ("status" in parsed) return parsed;
  const { invite, alias, preset, version, name, creation, isDirect } = parsed;
  const { rooms, serverName } = state;
  if (alias !== undefined && rooms.findByAlias(alias) !== undefined) {
    return matrixError(400, "M_ROOM_IN_USE", "Room alias already taken");
  }
  const hasCreators = Number(version) > LAST_VERSION_WITH_DOMAIN;
  const coCreators = preset === "trusted_private_chat" ? invite : [];
  const admins = hasCreators ? [] : [token.userId, ...coCreators];
  const room = rooms.create({
    members: [token.userId],
    roomId: hasCreators ? undefined : `${createId("!").slice(0, 19)}:${serverName}`,
    version,
    public: preset === "public_chat",
    creation: { ...creation, ...(hasCreators && coCreators.length > 0 ? { additional_creators: coCreators } : {}) },
    powerLevels: defaultPowerLevels(version, Object.fromEntries(admins.map((user) => [user, 100]))),
    name,
    alias,
  });
  for (const userId of invite) {
    const refusal = checkInvite(state, room, { sender: token.userId, userId });
    if (refusal !== undefined) return refusal;
    rooms.invite(room, userId, { sender: token.userId, isDirect });
  }
  return jsonAnswer(200, { room_id: room.roomId });
}

interface ParsedRoomOptions {
  readonly invite: readonly string[];
  readonly alias: string | undefined;
  readonly preset: string;
  readonly version: string;
  readonly name: string | undefined;
  readonly creation: JsonObject;
  readonly isDirect: boolean;
}

function parseRoomOptions({ serverName, software }: HomeserverState, value: JsonObject): ParsedRoomOptions | Answer {
  const { invite = [], room_alias_name, preset = "private_chat", name, creation_content = {}, is_direct } = value;
  const version = value.room_version ?? (software === "Synapse" ? "12" : "10");
  if (name !== undefined && typeof name !== "string") return matrixError(400, "M_UNKNOWN", "'name' not a string type");
  if (typeof preset !== "string" || !PRESETS.includes(preset)) {
    return matrixError(400, "M_BAD_JSON", `'${preset}' is not a valid preset`);
  }
  if (typeof version !== "string" || !/^([1-9]|1[0-2])$/.test(version)) {
    return matrixError(400, "M_UNSUPPORTED_ROOM_VERSION", "Your homeserver does not support this room version");
  }
  if (!Array.isArray(invite) || !invite.every((userId) => typeof userId === "string")) {
    return matrixError(400, "M_BAD_JSON", "invite must be a list of strings");
  }
  const malformed = invite.find((userId) => !/^@[^:]+:.+$/.test(userId));
  if (malformed !== undefined) return matrixError(400, "M_UNKNOWN", `Invalid user_id: ${malformed}`);
  if (room_alias_name !== undefined) {
    if (typeof room_alias_name !== "string") {
      return matrixError(400, "M_UNKNOWN", "'room_alias_name' not a string type");
    }
    if (/\s/.test(room_alias_name)) return matrixError(400, "M_UNKNOWN", "Invalid characters in room alias");
    if (room_alias_name.includes(":")) {
      return matrixError(400, "M_UNKNOWN", "':' is not permitted in the room alias name.");
    }
    if (`#${room_alias_name}:${serverName}`.length > MAX_ALIAS_CHARS) {
      const text = `Can't create aliases longer than ${MAX_ALIAS_CHARS} characters`;
      return matrixError(400, "M_INVALID_PARAM", text);
    }
  }
  if (!isObject(creation_content)) {
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

export function joinedMembers({ rooms }: HomeserverState, { params, token }: AuthenticatedRequest): Answer {
  const room = rooms.get(params.roomId ?? "");
  if (!room?.members.has(token.userId)) return notInRoom(token, params.roomId);
  const profiles = [...room.members].map((userId) => [userId, { display_name: null, avatar_url: null }]);
  return jsonAnswer(200, { joined: Object.fromEntries(profiles) });
}

export function directory({ rooms, serverName }: HomeserverState, { params }: EndpointRequest): Answer {
  const room = rooms.findByAlias(params.roomAlias ?? "");
  if (room === undefined) return matrixError(404, "M_NOT_FOUND", `Room alias ${params.roomAlias} not found`);
  return jsonAnswer(200, { room_id: room.roomId, servers: [serverName] });
}

export function join(state: HomeserverState, request: AuthenticatedRequest): Answer {
  const target = request.params.roomIdOrAlias ?? "";
  if (!target.startsWith("#")) return enter(state, state.rooms.get(target), request.token);
  const room = state.rooms.findByAlias(target);
  if (room !== undefined || state.software === "Dendrite") return enter(state, room, request.token);
  return matrixError(404, "M_NOT_FOUND", `Room alias ${target} not found`);
}

export function joinRoom(state: HomeserverState, { params, token }: AuthenticatedRequest): Answer {
  return enter(state, state.rooms.get(params.roomId ?? ""), token);
}

/**
 * Joins a room. If the room is unknown, Dendrite without federation answers with an error that does
 * not have the Matrix format.
 */
function enter({ rooms, software }: HomeserverState, room: Room | undefined, { userId }: Token): Answer {
  if (room === undefined) {
    return software === "Dendrite"
      ? jsonAnswer(500, { Err: "" })
      : matrixError(404, "M_UNKNOWN", "Can't join remote room because no servers are known");
  }
  if (!room.members.has(userId)) {
    if (room.banned.has(userId)) return matrixError(403, "M_BAD_STATE", "Cannot join user who was banned");
    if (!room.public && !room.invited.has(userId)) {
      return matrixError(403, "M_FORBIDDEN", "You are not invited to this room.");
    }
    rooms.join(room, userId);
  }
  return jsonAnswer(200, { room_id: room.roomId });
}

export function joinedRooms({ rooms }: HomeserverState, { token }: AuthenticatedRequest): Answer {
  const joined = rooms.all().filter(({ members }) => members.has(token.userId));
  return jsonAnswer(200, { joined_rooms: joined.map(({ roomId }) => roomId) });
}

export function invite(state: HomeserverState, { params, token, body }: AuthenticatedRequest): Answer {
  const room = state.rooms.get(params.roomId ?? "");
  const { user_id: userId } = body.value;
  if (typeof userId !== "string") return matrixError(400, "M_BAD_JSON", "user_id: field required");
  if (!room?.members.has(token.userId)) return notInRoom(token, params.roomId);
  const refusal = checkInvite(state, room, { sender: token.userId, userId });
  if (refusal !== undefined) return refusal;
  state.rooms.invite(room, userId, { sender: token.userId });
  return jsonAnswer(200, {});
}

/**
 * Returns an error answer if a user cannot be invited. Does not check that a user of this
 * homeserver exists, because Synapse does not check this.
 */
function checkInvite(
  { serverName }: HomeserverState,
  room: Room,
  { sender, userId }: { readonly sender: string; readonly userId: string },
): Answer | undefined {
  if (!/^@[^:]+:.+$/.test(userId)) return matrixError(400, "M_UNKNOWN", `Invalid user_id: ${userId}`);
  if (room.banned.has(userId)) return matrixError(403, "M_BAD_STATE", "Cannot invite user who was banned");
  if (room.members.has(userId)) return matrixError(403, "M_FORBIDDEN", `${userId} is already in the room.`);
  if (findUserLevel(room, sender) < findActionLevel(room, "invite")) {
    return matrixError(403, "M_FORBIDDEN", "You don't have permission to invite users");
  }
  const server = userId.slice(userId.indexOf(":") + 1);
  return server === serverName ? undefined : matrixError(403, "M_FORBIDDEN", `Federation denied with ${server}.`);
}

/**
 * Leaves a room, or rejects an invite. Does nothing if the user is neither a member nor invited.
 */
export function leave({ rooms }: HomeserverState, { params, token }: AuthenticatedRequest): Answer {
  const room = rooms.get(params.roomId ?? "");
  if (room === undefined) return matrixError(404, "M_UNKNOWN", "Not a known room");
  if (room.members.has(token.userId) || room.invited.has(token.userId)) rooms.leave(room, token.userId);
  return jsonAnswer(200, {});
}

/**
 * Returns a state event. If the user has left the room, returns the event that was current when the
 * user left.
 */
export function getState({ rooms }: HomeserverState, { params, query, token }: AuthenticatedRequest): Answer {
  const { roomId = "", eventType = "", stateKey = "" } = params;
  const room = rooms.get(roomId);
  const visible = room === undefined ? undefined : visibleTimeline(room, token.userId);
  if (visible === undefined) {
    const text = `User ${token.userId} not in room ${roomId}, and room previews are disabled`;
    return matrixError(403, "M_FORBIDDEN", text);
  }
  const format = query.get("format") ?? "content";
  if (format !== "content" && format !== "event") return matrixError(400, "M_INVALID_PARAM", "Unknown format");
  const event = findState(visible, eventType, stateKey);
  if (event === undefined) return matrixError(404, "M_NOT_FOUND", "Event not found.");
  return jsonAnswer(200, format === "content" ? event.content : { ...event, room_id: roomId });
}

export function putState({ rooms }: HomeserverState, { params, token, body }: AuthenticatedRequest): Answer {
  const { roomId = "", eventType = "", stateKey = "" } = params;
  const room = rooms.get(roomId);
  if (!room?.members.has(token.userId)) return notInRoom(token, roomId);
  const refusal = checkPower(room, { userId: token.userId, type: eventType, isState: true });
  if (refusal !== undefined) return refusal;
  const longName = checkNames({ type: eventType, state_key: stateKey });
  if (longName !== undefined) return longName;
  const draft = { type: eventType, sender: token.userId, content: body.value, state_key: stateKey };
  return jsonAnswer(200, { event_id: rooms.append(room, draft).event_id });
}

function visibleTimeline({ members, timeline }: Room, userId: string): readonly TimelineEvent[] | undefined {
  if (members.has(userId)) return timeline;
  const wasIn = timeline.some(({ type, state_key, content }) =>
    type === "m.room.member" && state_key === userId && content.membership === "join"
  );
  if (!wasIn) return undefined;
  const end = timeline.findIndex(({ type, state_key, content }, index) =>
    type === "m.room.member" && state_key === userId && content.membership !== "join" &&
    !timeline.slice(index).some((later) => later.state_key === userId && later.content.membership === "join")
  );
  return timeline.slice(0, end + 1);
}

export function notInRoom({ userId }: Token, roomId = ""): Answer {
  return matrixError(403, "M_FORBIDDEN", `User ${userId} not in room ${roomId}`);
}
