/**
 * The endpoint `GET /sync`. It supports rooms, invites, account data and filters, but not receipts,
 * typing, presence and to-device messages.
 */

import { isObject } from "../base/fields.ts";
import { type Answer, jsonAnswer, matrixError } from "./answer.ts";
import type { AuthenticatedRequest, HomeserverState } from "./homeserver_state.ts";
import { findState, type Room, type TimelineEvent } from "./rooms.ts";

/** The types of state events that an invited user sees. */
const STRIPPED = ["m.room.create", "m.room.join_rules", "m.room.canonical_alias", "m.room.name", "m.room.encryption"];

/** The time for which Synapse caches its answer to an initial sync, in milliseconds. */
const INITIAL_SYNC_CACHE_MS = 2 * 60_000;

/**
 * Answers a sync. If there are new events, answers immediately. If there are no new events, waits
 * until the next event or the timeout.
 */
export async function sync(state: HomeserverState, { query, token, pause }: AuthenticatedRequest): Promise<Answer> {
  const timeout = query.get("timeout") ?? "0";
  if (!/^\d+$/.test(timeout)) return matrixError(400, "M_INVALID_PARAM", "Query parameter timeout must be an integer");
  const since = query.get("since");
  if (since !== null && !/^s\d+$/.test(since)) return matrixError(400, "M_UNKNOWN", "Invalid stream token");
  const filter = parseSyncFilter(query.get("filter"));
  if ("status" in filter) return filter;
  const request = { userId: token.userId, since: since === null ? undefined : Number(since.slice(1)), filter };
  if (since === null) {
    const key = JSON.stringify([token.userId, token.deviceId, timeout, query.get("filter")]);
    return cachedSync(state, key, () => jsonAnswer(200, collectNews(state, request).answer));
  }
  const end = state.now() + Number(timeout);
  let news = collectNews(state, request);
  while (news.isEmpty && state.now() < end) {
    const { position } = state.rooms;
    await pause(end - state.now(), state.rooms.change);
    news = collectNews(state, request);
    // The timeout has ended, or the client has disconnected.
    if (state.rooms.position === position) break;
  }
  return jsonAnswer(200, news.answer);
}

function cachedSync({ software, firstSyncs, now }: HomeserverState, key: string, createAnswer: () => Answer): Answer {
  const before = firstSyncs.get(key);
  if (software === "Synapse" && before !== undefined && now() - before.at < INITIAL_SYNC_CACHE_MS) return before.answer;
  const answer = createAnswer();
  firstSyncs.set(key, { at: now(), answer });
  return answer;
}

interface SyncRequest {
  readonly userId: string;
  /** The position of the last event that the client already has. Undefined for an initial sync. */
  readonly since: number | undefined;
  readonly filter: SyncFilter;
}

function collectNews(
  { rooms, accountData }: HomeserverState,
  request: SyncRequest,
): { readonly answer: object; readonly isEmpty: boolean } {
  const { userId, since, filter } = request;
  const join: Record<string, object> = {}, invite: Record<string, object> = {};
  for (const room of rooms.all()) {
    const isNew = (index: number) => since === undefined || (room.positions[index] ?? 0) > since;
    const own = room.timeline.findLastIndex((event) => event.type === "m.room.member" && event.state_key === userId);
    if (own < 0) continue;
    if (room.members.has(userId)) {
      const part = createJoinedRoom(room, isNew(own) ? undefined : since, filter);
      if (part !== undefined) join[room.roomId] = part;
    } else if (room.invited.has(userId) && isNew(own)) invite[room.roomId] = createInvitedRoom(room, userId);
  }
  const data = since === undefined
    ? [...accountData.get(userId) ?? []].map(([type, content]) => ({ type, content })).filter((event) =>
      passesFilter({ sender: userId, ...event }, filter.account_data)
    )
    : [];
  const parts = {
    ...(Object.keys(join).length > 0 ? { join } : {}),
    ...(Object.keys(invite).length > 0 ? { invite } : {}),
  };
  const isEmpty = Object.keys(parts).length === 0;
  const answer = {
    next_batch: `s${rooms.position}`,
    ...(data.length > 0 ? { account_data: { events: data } } : {}),
    ...(isEmpty ? {} : { rooms: parts }),
  };
  return { answer, isEmpty };
}

/** Returns the newest events of a room, and the state of the room before these events. */
function createJoinedRoom(room: Room, since: number | undefined, filter: SyncFilter): object | undefined {
  const fresh = room.timeline
    .map((event, index) => ({ event, index }))
    .filter(({ event, index }) =>
      (room.positions[index] ?? 0) > (since ?? 0) && passesFilter(event, filter.room?.timeline)
    );
  const limit = filter.room?.timeline?.limit ?? 10;
  const shown = limit === 0 ? [] : fresh.slice(-limit);
  const start = shown[0]?.index ?? room.timeline.length;
  const state = collectState(room, start).filter(({ event, index }) =>
    (room.positions[index] ?? 0) > (since ?? 0) && passesFilter(event, filter.room?.state)
  );
  if (shown.length + state.length === 0) return undefined;
  return {
    timeline: { events: shown.map(({ event }) => toClientEvent(event)), limited: fresh.length > shown.length },
    state: { events: state.map(({ event }) => toClientEvent(event)) },
    account_data: { events: [] },
    ephemeral: { events: [] },
  };
}

function collectState({ timeline }: Room, end: number): { readonly event: TimelineEvent; readonly index: number }[] {
  const state = new Map<string, { event: TimelineEvent; index: number }>();
  for (const [index, event] of timeline.slice(0, end).entries()) {
    if (event.state_key !== undefined) state.set(JSON.stringify([event.type, event.state_key]), { event, index });
  }
  return [...state.values()];
}

function createInvitedRoom({ timeline }: Room, userId: string): object {
  const own = findState(timeline, "m.room.member", userId);
  const events = [
    ...STRIPPED.map((type) => findState(timeline, type)),
    own && findState(timeline, "m.room.member", own.sender),
    own,
  ].filter((event) => event !== undefined);
  return {
    invite_state: {
      events: events.map(({ type, sender, content, state_key }) => ({ type, sender, content, state_key })),
    },
  };
}

function toClientEvent({ sent: _sent, ...event }: TimelineEvent): object {
  return event;
}

/** A filter of events. */
interface EventFilter {
  readonly limit?: number;
  readonly types?: readonly string[];
  readonly not_types?: readonly string[];
  readonly senders?: readonly string[];
  readonly not_senders?: readonly string[];
}

/** A filter of a sync (Client-Server API, "Filtering"). */
interface SyncFilter {
  readonly account_data?: EventFilter;
  readonly room?: { readonly state?: EventFilter; readonly timeline?: EventFilter };
}

const LISTS = ["types", "not_types", "senders", "not_senders"] as const;

/**
 * Parses the parameter `filter`, which must be a JSON object. Does not support stored filters.
 * Ignores unknown fields.
 */
function parseSyncFilter(text: string | null): SyncFilter | Answer {
  if (text === null) return {};
  if (!text.startsWith("{")) return matrixError(400, "M_INVALID_PARAM", "Invalid filter ID");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return matrixError(400, "M_NOT_JSON", "Invalid filter JSON");
  }
  const room = readField(value, "room") ?? {};
  const filters = [readField(value, "account_data"), readField(room, "state"), readField(room, "timeline")].map(
    parseEventFilter,
  );
  const [account_data, state, timeline] = filters;
  if (account_data === "malformed" || state === "malformed" || timeline === "malformed") {
    return matrixError(400, "M_UNKNOWN", "A part of the filter has the wrong type");
  }
  return { account_data, room: { state, timeline } };
}

/**
 * Returns true if a filter accepts an event. A `*` in `types` and `not_types` matches any text. If
 * a type matches both, returns false.
 */
function passesFilter(
  { type, sender }: { readonly type: string; readonly sender: string },
  filter: EventFilter = {},
): boolean {
  const { types, not_types = [], senders, not_senders = [] } = filter;
  const fits = (pattern: string) => new RegExp(`^${pattern.split("*").map(RegExp.escape).join(".*")}$`).test(type);
  return (types?.some(fits) ?? true) && !not_types.some(fits) && (senders?.includes(sender) ?? true) &&
    !not_senders.includes(sender);
}

function parseEventFilter(part: unknown): EventFilter | "malformed" | undefined {
  if (part === undefined) return undefined;
  if (!isObject(part)) return "malformed";
  const lists = LISTS.map((key) => [key, part[key]] as const).filter(([, list]) => list !== undefined);
  if (!lists.every(([, list]) => isListOfStrings(list))) return "malformed";
  const { limit } = part;
  if (limit !== undefined && !(typeof limit === "number" && Number.isSafeInteger(limit) && limit >= 0)) {
    return "malformed";
  }
  return { ...Object.fromEntries(lists), ...(typeof limit === "number" ? { limit } : {}) };
}

function readField(value: unknown, key: string): unknown {
  return isObject(value) ? value[key] : undefined;
}

function isListOfStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}
