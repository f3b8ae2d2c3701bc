/** Reading a room back, page by page. */

import type { Token } from "./homeserver_types.ts";
import { type Answer, jsonAnswer, matrixError } from "./answer.ts";
import type { HomeserverSoftware } from "./homeserver_types.ts";
import type { Room, TimelineEvent } from "./rooms.ts";

/** Who reads, on what kind of server, and when. */
export interface Reader {
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

/** A page of `GET /rooms/{roomId}/messages`. A place in the timeline is named by the number of events before it. */
export function readMessages(room: Room, query: URLSearchParams, reader: Reader): Answer {
  const { timeline } = room;
  const dir = query.get("dir");
  if (dir === null) return matrixError(400, "M_MISSING_PARAM", "Missing query parameter: dir");
  if (dir !== "b" && dir !== "f") return matrixError(400, "M_INVALID_PARAM", "dir must be b or f");
  const limit = query.get("limit") ?? "10";
  if (!/^\d+$/.test(limit)) return matrixError(400, "M_INVALID_PARAM", "limit must be a whole number");
  const from = query.get("from") ?? `t${dir === "b" ? timeline.length : 0}`;
  if (!/^t\d+$/.test(from)) return matrixError(400, "M_INVALID_PARAM", "from is no token of this server");
  const filter = parseFilter(query.get("filter"));
  if (filter === undefined) return matrixError(400, "M_INVALID_PARAM", "filter is no JSON object");

  const start = Math.min(Number(from.slice(1)), timeline.length);
  const ahead = dir === "b" ? timeline.slice(0, start).reverse() : timeline.slice(start);
  const { chunk, passed } = cutPage(ahead, Math.min(Number(limit), pageCap(reader.software)), filter, reader.software);
  return jsonAnswer(200, {
    chunk: chunk.map((event) => clientEvent(event, room.roomId, reader)),
    start: from,
    // Both Synapse and Dendrite leave `end` out after an empty page, and only then: a page with an `end` may be the last.
    ...chunk.length > 0 && { end: `t${dir === "b" ? start - passed : start + passed}` },
  });
}

function pageCap(software: HomeserverSoftware): number {
  return software === "Synapse" ? 1000 : 100;
}

/** Dendrite cuts the page and filters what is on it; the others look on until the page is full. */
function cutPage(
  ahead: readonly TimelineEvent[],
  limit: number,
  filter: Filter,
  software: HomeserverSoftware,
): { chunk: TimelineEvent[]; passed: number } {
  if (software === "Dendrite") {
    const page = ahead.slice(0, limit);
    return { chunk: page.filter((event) => passes(event, filter)), passed: page.length };
  }
  const chunk: TimelineEvent[] = [];
  let passed = 0;
  for (const event of ahead) {
    if (chunk.length >= limit) break;
    passed++;
    if (passes(event, filter)) chunk.push(event);
  }
  return { chunk, passed };
}

function passes({ sender, type }: TimelineEvent, filter: Filter): boolean {
  const { senders = [sender], not_senders = [], types = [type], not_types = [] } = filter;
  return senders.includes(sender) && !not_senders.includes(sender) && types.includes(type) && !not_types.includes(type);
}

function parseFilter(text: string | null): Filter | undefined {
  if (text === null) return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** An event as clients see it. */
export function clientEvent(event: TimelineEvent, roomId: string, { token, software, now }: Reader): object {
  const { sent, ...rest } = event;
  const visible = { ...rest, room_id: roomId };
  if (software === "Dendrite") return visible;
  const own = software === "Synapse" && sent !== undefined && isSameSession(sent.by, token);
  const age = Math.max(0, now - event.origin_server_ts);
  return { ...visible, unsigned: { age, ...own && { transaction_id: sent.txnId } } };
}

function isSameSession(a: Token, b: Token): boolean {
  if (a.accessToken === b.accessToken) return true;
  return a.userId === b.userId && a.deviceId !== undefined && a.deviceId === b.deviceId;
}
