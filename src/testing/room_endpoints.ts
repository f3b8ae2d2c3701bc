/** Endpoints that work on rooms: entering, reading and sending. */

import type { Token } from "./homeserver_types.ts";
import { type Answer, jsonAnswer, matrixError } from "./answer.ts";
import { eventBytes, MAX_EVENT_BYTES, refuseContent, tooLarge } from "./content.ts";
import { clientEvent, readMessages } from "./messages.ts";
import { tooWeak } from "./power.ts";
import { refuseRelation } from "./relations.ts";
import type { Room } from "./rooms.ts";
import type { Transaction } from "./transactions.ts";
import type { Ask, TokenAsk, World } from "./world.ts";

export function messages(world: World, { params, query, token }: TokenAsk): Answer {
  const { rooms, software } = world;
  const room = rooms.get(params.roomId ?? "");
  if (room?.members.has(token.userId)) return readMessages(room, query, { token, software, now: world.now() });
  if (software === "Dendrite" && room !== undefined) return jsonAnswer(200, { chunk: [], start: "t0" });
  return notIn(token, params.roomId);
}

export function event(world: World, { params, token }: TokenAsk): Answer {
  const { rooms, software } = world;
  const room = rooms.get(params.roomId ?? "");
  const found = room?.timeline.find(({ event_id }) => event_id === params.eventId);
  if (room === undefined || found === undefined) return matrixError(404, "M_NOT_FOUND", "Event not found.");
  if (!room.members.has(token.userId)) {
    return matrixError(403, "M_FORBIDDEN", "You don't have permission to access that event.");
  }
  return jsonAnswer(200, clientEvent(found, room.roomId, { token, software, now: world.now() }));
}

export function joinedMembers({ rooms }: World, { params, token }: TokenAsk): Answer {
  const room = rooms.get(params.roomId ?? "");
  if (!room?.members.has(token.userId)) return notIn(token, params.roomId);
  const profiles = [...room.members].map((userId) => [userId, { display_name: null, avatar_url: null }]);
  return jsonAnswer(200, { joined: Object.fromEntries(profiles) });
}

export function directory({ rooms, serverName }: World, { params }: Ask): Answer {
  const room = rooms.byAlias(params.roomAlias ?? "");
  if (room === undefined) return matrixError(404, "M_NOT_FOUND", `Room alias ${params.roomAlias} not found`);
  return jsonAnswer(200, { room_id: room.roomId, servers: [serverName] });
}

export function join(world: World, ask: TokenAsk): Answer {
  const target = ask.params.roomIdOrAlias ?? "";
  if (!target.startsWith("#")) return enter(world, world.rooms.get(target), ask.token);
  const room = world.rooms.byAlias(target);
  if (room !== undefined || world.software === "Dendrite") return enter(world, room, ask.token);
  return matrixError(404, "M_NOT_FOUND", `Room alias ${target} not found`);
}

export function joinRoom(world: World, { params, token }: TokenAsk): Answer {
  return enter(world, world.rooms.get(params.roomId ?? ""), token);
}

/** Dendrite without federation answers a room that it does not know in a form of its own. */
function enter({ rooms, software }: World, room: Room | undefined, { userId }: Token): Answer {
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

/**
 * Synapse sees to it that requests for one transaction that overlap make one event. The others look their memory up when a
 * request arrives and write it down when the event is made, so that two requests may both find nothing.
 */
export async function send(world: World, { params, token, body, ready }: TokenAsk): Promise<Answer> {
  const { rooms, transactions, software, limiter } = world;
  const { roomId = "", eventType = "", txnId = "" } = params;
  const transaction: Transaction = { token, roomId, eventType, txnId };
  const early = transactions.scope === "device" ? undefined : transactions.recall(transaction);
  await ready();
  const known = transactions.scope === "device" ? transactions.recall(transaction) : early;
  if (known !== undefined) return jsonAnswer(200, { event_id: known });
  const limited = limiter.take(token.userId);
  if (limited !== undefined) return limited;

  const refusal = refuseContent(eventType, body, software);
  if (refusal !== undefined) return refusal;
  const room = rooms.get(roomId);
  if (room === undefined && software === "Dendrite") {
    return matrixError(400, "M_UNSUPPORTED_ROOM_VERSION", "missing room info for room");
  }
  if (!room?.members.has(token.userId)) return notIn(token, roomId);
  const weak = tooWeak(room, { userId: token.userId, type: eventType });
  if (weak !== undefined) return weak;
  const unrelated = software === "Synapse" ? refuseRelation(rooms, room, body.value) : undefined;
  if (unrelated !== undefined) return unrelated;
  const draft = { sender: token.userId, type: eventType, content: body.value };
  const size = eventBytes({ roomId, ...draft });
  if (size > MAX_EVENT_BYTES) return tooLarge(size, software);
  const { event_id } = rooms.append(room, { ...draft, sent: { by: token, txnId } });
  transactions.remember(transaction, event_id);
  return jsonAnswer(200, { event_id });
}

export function notIn({ userId }: Token, roomId = ""): Answer {
  return matrixError(403, "M_FORBIDDEN", `User ${userId} not in room ${roomId}`);
}
