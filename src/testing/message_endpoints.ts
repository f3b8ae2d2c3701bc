/** The endpoints that send an event, read one event, and read the events of a room page by page. */

import { isObject } from "../base/fields.ts";
import { type Answer, jsonAnswer, matrixError } from "./answer.ts";
import { checkContent, checkNames, eventBytes, type JsonObject, MAX_EVENT_BYTES, tooLarge } from "./content.ts";
import type { AuthenticatedRequest, HomeserverState } from "./homeserver_state.ts";
import type { HomeserverSoftware, Token } from "./homeserver_types.ts";
import { notInRoom } from "./room_endpoints.ts";
import { checkPower, type Room, type Rooms, type TimelineEvent } from "./rooms.ts";
import type { Transaction } from "./transactions.ts";

/**
 * Sends an event. With Synapse, simultaneous requests with the same transaction id create only one
 * event. With Dendrite and Conduit, these requests can create two events. These servers look for
 * the id when a request arrives, but store the id later, when they create the event.
 */
export async function send(
  state: HomeserverState,
  { params, token, body, ready }: AuthenticatedRequest,
): Promise<Answer> {
  const { rooms, transactions, software, limiter } = state;
  const { roomId = "", eventType = "", txnId = "" } = params;
  const transaction: Transaction = { token, roomId, eventType, txnId };
  const early = transactions.scope === "device" ? undefined : transactions.find(transaction);
  await ready();
  const known = transactions.scope === "device" ? transactions.find(transaction) : early;
  if (known !== undefined) return jsonAnswer(200, { event_id: known });
  const rateLimited = limiter.take(token.userId);
  if (rateLimited !== undefined) return rateLimited;

  const badContent = checkContent(eventType, body, software);
  if (badContent !== undefined) return badContent;
  const room = rooms.get(roomId);
  if (room === undefined && software === "Dendrite") {
    return matrixError(400, "M_UNSUPPORTED_ROOM_VERSION", "missing room info for room");
  }
  if (!room?.members.has(token.userId)) return notInRoom(token, roomId);
  const forbidden = checkPower(room, { userId: token.userId, type: eventType });
  if (forbidden !== undefined) return forbidden;
  const badRelation = software === "Synapse" ? checkRelation(rooms, room, body.value) : undefined;
  if (badRelation !== undefined) return badRelation;
  const event = { sender: token.userId, type: eventType, content: body.value };
  const longName = checkNames({ type: eventType });
  if (longName !== undefined) return longName;
  const size = eventBytes({ roomId, ...event });
  if (size > MAX_EVENT_BYTES) return tooLarge(size, software);
  const { event_id } = rooms.append(room, { ...event, sent: { by: token, txnId } });
  transactions.add(transaction, event_id);
  return jsonAnswer(200, { event_id });
}

export function messages(state: HomeserverState, { params, query, token }: AuthenticatedRequest): Answer {
  const { rooms, software } = state;
  const room = rooms.get(params.roomId ?? "");
  if (room?.members.has(token.userId)) return readMessages(room, query, { token, software, now: state.now() });
  if (software === "Dendrite" && room !== undefined) return jsonAnswer(200, { chunk: [], start: "t0" });
  return notInRoom(token, params.roomId);
}

export function event(state: HomeserverState, { params, token }: AuthenticatedRequest): Answer {
  const { rooms, software } = state;
  const room = rooms.get(params.roomId ?? "");
  const found = room?.timeline.find(({ event_id }) => event_id === params.eventId);
  if (room === undefined || found === undefined) return matrixError(404, "M_NOT_FOUND", "Event not found.");
  if (!room.members.has(token.userId)) {
    return matrixError(403, "M_FORBIDDEN", "You don't have permission to access that event.");
  }
  return jsonAnswer(200, toClientEvent(found, room.roomId, { token, software, now: state.now() }));
}

/** The data that the endpoints for reading events share. */
interface Reader {
  readonly token: Token;
  readonly software: HomeserverSoftware;
  readonly now: number;
}

interface Filter {
  readonly senders?: readonly string[];
  readonly not_senders?: readonly string[];
  readonly types?: readonly string[];
  readonly not_types?: readonly string[];
}

/**
 * Reads a page of `GET /rooms/{roomId}/messages`. A pagination token contains the position in the
 * list of events.
 */
function readMessages(room: Room, query: URLSearchParams, reader: Reader): Answer {
  const { timeline } = room;
  const dir = query.get("dir");
  if (dir === null) return matrixError(400, "M_MISSING_PARAM", "Missing query parameter: dir");
  if (dir !== "b" && dir !== "f") return matrixError(400, "M_INVALID_PARAM", "dir must be b or f");
  const limit = query.get("limit") ?? "10";
  if (!/^\d+$/.test(limit)) return matrixError(400, "M_INVALID_PARAM", "limit must be a whole number");
  const from = query.get("from") ?? `t${dir === "b" ? timeline.length : 0}`;
  if (!/^t\d+$/.test(from)) return matrixError(400, "M_INVALID_PARAM", "from is not a token of this server");
  const filter = parseFilter(query.get("filter"));
  if (filter === undefined) return matrixError(400, "M_INVALID_PARAM", "filter is not a JSON object");

  const start = Math.min(Number(from.slice(1)), timeline.length);
  const ahead = dir === "b" ? timeline.slice(0, start).reverse() : timeline.slice(start);
  const { chunk, passed } = cutPage(ahead, Math.min(Number(limit), pageCap(reader.software)), filter, reader.software);
  return jsonAnswer(200, {
    chunk: chunk.map((event) => toClientEvent(event, room.roomId, reader)),
    start: from,
    // Synapse and Dendrite omit `end` only if the page is empty. The last page with events has an
    // `end`, although there are no more events.
    ...chunk.length > 0 && { end: `t${dir === "b" ? start - passed : start + passed}` },
  });
}

function pageCap(software: HomeserverSoftware): number {
  return software === "Synapse" ? 1000 : 100;
}

/**
 * Selects the events of a page. Dendrite first takes a full page of events, and then removes the
 * events that the filter rejects. Synapse and Conduit apply the filter before they take a full
 * page.
 */
function cutPage(
  ahead: readonly TimelineEvent[],
  limit: number,
  filter: Filter,
  software: HomeserverSoftware,
): { chunk: TimelineEvent[]; passed: number } {
  if (software === "Dendrite") {
    const page = ahead.slice(0, limit);
    return { chunk: page.filter((event) => passesFilter(event, filter)), passed: page.length };
  }
  const chunk: TimelineEvent[] = [];
  let passed = 0;
  for (const event of ahead) {
    if (chunk.length >= limit) break;
    passed++;
    if (passesFilter(event, filter)) chunk.push(event);
  }
  return { chunk, passed };
}

function passesFilter({ sender, type }: TimelineEvent, filter: Filter): boolean {
  const { senders = [sender], not_senders = [], types = [type], not_types = [] } = filter;
  return senders.includes(sender) && !not_senders.includes(sender) && types.includes(type) && !not_types.includes(type);
}

function parseFilter(text: string | null): Filter | undefined {
  if (text === null) return {};
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Converts an event to the form that the API returns. */
function toClientEvent(event: TimelineEvent, roomId: string, { token, software, now }: Reader): object {
  const { sent, ...rest } = event;
  const visible = { ...rest, room_id: roomId };
  if (software === "Dendrite") return visible;
  const own = software === "Synapse" && sent !== undefined && isSameDevice(sent.by, token);
  const age = Math.max(0, now - event.origin_server_ts);
  return { ...visible, unsigned: { age, ...own && { transaction_id: sent.txnId } } };
}

function isSameDevice(a: Token, b: Token): boolean {
  if (a.accessToken === b.accessToken) return true;
  return a.userId === b.userId && a.deviceId !== undefined && a.deviceId === b.deviceId;
}

/**
 * Returns an error answer if Synapse would reject the relation (`m.relates_to`) of an event.
 * Synapse does not check the relation of a reply.
 */
function checkRelation(rooms: Rooms, room: Room, content: JsonObject): Answer | undefined {
  const { rel_type, event_id } = readRelation(content);
  if (typeof rel_type !== "string" || typeof event_id !== "string") return undefined;
  const place = rooms.all().find(({ timeline }) => timeline.some((event) => event.event_id === event_id));
  if (place === undefined) return matrixError(400, "M_UNKNOWN", "Can't send relation to unknown event");
  if (place !== room) return matrixError(400, "M_UNKNOWN", "Relations must be in the same room");
  const parent = place.timeline.find((event) => event.event_id === event_id);
  if (rel_type === "m.thread" && readRelation(parent?.content).rel_type !== undefined) {
    return matrixError(400, "M_UNKNOWN", "Cannot start threads from an event with a relation");
  }
  return undefined;
}

function readRelation(content: JsonObject | undefined): JsonObject {
  const relation = content?.["m.relates_to"];
  return isObject(relation) ? relation : {};
}
