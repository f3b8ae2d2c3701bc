/** Endpoints of a room's state. */

import { type Answer, jsonAnswer, matrixError } from "./answer.ts";
import { tooWeak } from "./power.ts";
import { notIn } from "./room_endpoints.ts";
import { type Room, stateOf, type TimelineEvent } from "./rooms.ts";
import type { TokenAsk, World } from "./world.ts";

/** Whoever left sees the state as it was then. */
export function getState({ rooms }: World, { params, query, token }: TokenAsk): Answer {
  const { roomId = "", eventType = "", stateKey = "" } = params;
  const room = rooms.get(roomId);
  const visible = room === undefined ? undefined : visibleTo(room, token.userId);
  if (visible === undefined) {
    const text = `User ${token.userId} not in room ${roomId}, and room previews are disabled`;
    return matrixError(403, "M_FORBIDDEN", text);
  }
  const format = query.get("format") ?? "content";
  if (format !== "content" && format !== "event") return matrixError(400, "M_INVALID_PARAM", "Unknown format");
  const event = stateOf(visible, eventType, stateKey);
  if (event === undefined) return matrixError(404, "M_NOT_FOUND", "Event not found.");
  return jsonAnswer(200, format === "content" ? event.content : { ...event, room_id: roomId });
}

export function putState({ rooms }: World, { params, token, body }: TokenAsk): Answer {
  const { roomId = "", eventType = "", stateKey = "" } = params;
  const room = rooms.get(roomId);
  if (!room?.members.has(token.userId)) return notIn(token, roomId);
  const weak = tooWeak(room, { userId: token.userId, type: eventType, isState: true });
  if (weak !== undefined) return weak;
  const draft = { type: eventType, sender: token.userId, content: body.value, state_key: stateKey };
  return jsonAnswer(200, { event_id: rooms.append(room, draft).event_id });
}

function visibleTo({ members, timeline }: Room, userId: string): readonly TimelineEvent[] | undefined {
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
