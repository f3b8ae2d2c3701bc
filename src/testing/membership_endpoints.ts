/** Endpoints of membership: who is invited, who leaves, who is where. */

import { type Answer, jsonAnswer, matrixError } from "./answer.ts";
import { levelOf, powerIn } from "./power.ts";
import { notIn } from "./room_endpoints.ts";
import type { Room } from "./rooms.ts";
import type { TokenAsk, World } from "./world.ts";

export function joinedRooms({ rooms }: World, { token }: TokenAsk): Answer {
  const joined = rooms.all().filter(({ members }) => members.has(token.userId));
  return jsonAnswer(200, { joined_rooms: joined.map(({ roomId }) => roomId) });
}

export function invite(world: World, { params, token, body }: TokenAsk): Answer {
  const room = world.rooms.get(params.roomId ?? "");
  const { user_id: guest } = body.value;
  if (typeof guest !== "string") return matrixError(400, "M_BAD_JSON", "user_id: field required");
  if (!room?.members.has(token.userId)) return notIn(token, params.roomId);
  const refusal = refuseInvite(world, room, { sender: token.userId, guest });
  if (refusal !== undefined) return refusal;
  world.rooms.invite(room, guest, { sender: token.userId });
  return jsonAnswer(200, {});
}

/** Why somebody cannot be invited; undefined when they can. Synapse does not look whether there is such a user on its own server. */
export function refuseInvite(
  { serverName }: World,
  room: Room,
  { sender, guest }: { readonly sender: string; readonly guest: string },
): Answer | undefined {
  if (!/^@[^:]+:.+$/.test(guest)) return matrixError(400, "M_UNKNOWN", `Invalid user_id: ${guest}`);
  if (room.banned.has(guest)) return matrixError(403, "M_BAD_STATE", "Cannot invite user who was banned");
  if (room.members.has(guest)) return matrixError(403, "M_FORBIDDEN", `${guest} is already in the room.`);
  if (powerIn(room, sender) < levelOf(room, "invite")) {
    return matrixError(403, "M_FORBIDDEN", "You don't have permission to invite users");
  }
  const server = guest.slice(guest.indexOf(":") + 1);
  return server === serverName ? undefined : matrixError(403, "M_FORBIDDEN", `Federation denied with ${server}.`);
}

/** Nothing happens to whoever left before. */
export function leave({ rooms }: World, { params, token }: TokenAsk): Answer {
  const room = rooms.get(params.roomId ?? "");
  if (room === undefined) return matrixError(404, "M_UNKNOWN", "Not a known room");
  if (room.members.has(token.userId) || room.invited.has(token.userId)) rooms.leave(room, token.userId);
  return jsonAnswer(200, {});
}
