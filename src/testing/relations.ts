/** What Synapse asks of an event that relates to another. Answers are not among them: clients alone know of those. */

import { isObject } from "../base/fields.ts";
import { type Answer, matrixError } from "./answer.ts";
import type { JsonObject } from "./content.ts";
import type { Room, Rooms } from "./rooms.ts";

/** Why an event cannot have this relation; undefined when it can, or has none. */
export function refuseRelation(rooms: Rooms, room: Room, content: JsonObject): Answer | undefined {
  const { rel_type, event_id } = relationOf(content);
  if (typeof rel_type !== "string" || typeof event_id !== "string") return undefined;
  const place = rooms.all().find(({ timeline }) => timeline.some((event) => event.event_id === event_id));
  if (place === undefined) return matrixError(400, "M_UNKNOWN", "Can't send relation to unknown event");
  if (place !== room) return matrixError(400, "M_UNKNOWN", "Relations must be in the same room");
  const parent = place.timeline.find((event) => event.event_id === event_id);
  if (rel_type === "m.thread" && relationOf(parent?.content).rel_type !== undefined) {
    return matrixError(400, "M_UNKNOWN", "Cannot start threads from an event with a relation");
  }
  return undefined;
}

function relationOf(content: JsonObject | undefined): JsonObject {
  const relation = content?.["m.relates_to"];
  return isObject(relation) ? relation : {};
}
