/**
 * `GET /sync`, for two things: the rooms that we are in, and the invites (Client-Server API,
 * "Syncing", "Stripped state"). The filter excludes the rest, so that the answer stays small for an
 * account with many rooms.
 *
 * @module
 */

import { isObject } from "../base/fields.ts";
import { missingField } from "./errors.ts";
import { type MatrixClient, request, type RequestOptions } from "./request.ts";

/** What a room's state events say about it. */
export interface RoomSummary {
  readonly roomId: string;
  readonly name?: string;
  /** The canonical alias. */
  readonly alias?: string;
  /** The room version; a room whose first event names none has version 1. */
  readonly version?: string;
  readonly isEncrypted: boolean;
  /** The room that replaced it. */
  readonly replacement?: string;
}

/** A room that we are in. */
export interface JoinedRoom extends RoomSummary {
  /** The user who created it. */
  readonly creator?: string;
  /** The content of its first event. */
  readonly creation: Readonly<Record<string, unknown>>;
}

/** A room that we are invited to. */
export interface Invite extends RoomSummary {
  /** The user who invited us. */
  readonly inviter?: string;
  /** True if the room is meant as a direct chat. */
  readonly isDirect: boolean;
}

/** Options of {@linkcode syncRooms}. */
export interface SyncOptions extends RequestOptions {
  /** The `since` of an earlier answer: then the server waits for news. */
  readonly since?: string;
  /**
   * How long the server may wait for news, milliseconds; `timeoutMs` is added for the whole
   * request.
   *
   * @default {0}
   */
  readonly waitMs?: number;
}

/** All rooms and invites, or those that are new since an earlier answer. */
export interface SyncedRooms {
  /** For the next request. */
  readonly since: string;
  readonly joined: readonly JoinedRoom[];
  readonly invites: readonly Invite[];
}

/** The state events that a {@linkcode RoomSummary} is made of. */
const STATE_TYPES = ["m.room.create", "m.room.name", "m.room.canonical_alias", "m.room.encryption", "m.room.tombstone"];

const NOTHING = { not_types: ["*"] };

/**
 * The filter of a request. Servers put state before the timeline, so the newest of the wanted
 * events may be in either. Synapse caches the answer to an initial sync for two minutes, so each
 * filter differs: it names a type of presence that does not exist.
 */
function createFilter(now: number) {
  return {
    presence: { not_types: [...NOTHING.not_types, `at ${now}`] },
    account_data: NOTHING,
    room: {
      account_data: NOTHING,
      ephemeral: NOTHING,
      state: { types: STATE_TYPES },
      timeline: { limit: 1, types: STATE_TYPES },
    },
  };
}

/**
 * Reads the rooms and invites.
 *
 * @throws the errors of {@linkcode request}
 */
export async function syncRooms(client: MatrixClient, options: SyncOptions): Promise<SyncedRooms> {
  const { since, waitMs = 0, timeoutMs, signal } = options;
  const answer = await request(client, {
    method: "GET",
    path: ["sync"],
    query: {
      filter: JSON.stringify(createFilter(client.runtime.now())),
      timeout: String(Math.round(waitMs)),
      set_presence: "offline",
      ...(since === undefined ? {} : { since }),
    },
    timeoutMs: timeoutMs + waitMs,
    signal,
  });
  if (typeof answer.next_batch !== "string") throw missingField("next_batch");
  return {
    since: answer.next_batch,
    joined: parseJoinedRooms(answer.rooms),
    invites: parseInvites(answer.rooms),
  };
}

/** Options of {@linkcode waitForInvites}. */
export interface InviteOptions extends RequestOptions {
  /** How long to wait in all, milliseconds. */
  readonly waitMs: number;
  /** The room to wait for. @default any room */
  readonly roomId?: string;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** Proxies cut longer requests. */
const MAX_POLL_MS = 25_000;

/** The pause after a server that answers at once. */
const MIN_PAUSE_MS = 500;

/**
 * Waits for an invite. An invite that exists already counts.
 *
 * @returns the invites; none if time is up
 * @throws the errors of {@linkcode request}
 */
export async function waitForInvites(
  client: MatrixClient,
  options: InviteOptions,
): Promise<readonly Invite[]> {
  const { waitMs, roomId, sleep, ...rest } = options;
  const deadline = client.runtime.now() + waitMs;
  let since: string | undefined;
  for (;;) {
    const start = client.runtime.now();
    const left = Math.max(0, deadline - start);
    const pollMs = since === undefined ? 0 : Math.min(MAX_POLL_MS, left);
    const synced = await syncRooms(client, { ...rest, since, waitMs: pollMs });
    const invites = synced.invites.filter((invite) => roomId === undefined || invite.roomId === roomId);
    if (invites.length > 0 || client.runtime.now() >= deadline) return invites;
    if (since !== undefined && client.runtime.now() - start < MIN_PAUSE_MS) await sleep(MIN_PAUSE_MS, rest.signal);
    since = synced.since;
  }
}

interface Event {
  readonly type: string;
  readonly state_key?: unknown;
  readonly sender?: unknown;
  readonly content: Readonly<Record<string, unknown>>;
}

function parseJoinedRooms(rooms: unknown): JoinedRoom[] {
  return Object.entries(objectAt(rooms, "join")).map(([roomId, room]) => {
    const events = [...parseEvents(objectAt(room, "state")), ...parseEvents(objectAt(room, "timeline"))];
    const create = findNewest(events, "m.room.create");
    return { ...summarize(roomId, events), creator: parseText(create?.sender), creation: create?.content ?? {} };
  });
}

function parseInvites(rooms: unknown): Invite[] {
  return Object.entries(objectAt(rooms, "invite")).map(([roomId, room]) => {
    const events = parseEvents(objectAt(room, "invite_state"));
    const own = events.findLast(({ type, content }) => type === "m.room.member" && content.membership === "invite");
    return {
      ...summarize(roomId, events),
      inviter: parseText(own?.sender),
      isDirect: own?.content.is_direct === true,
    };
  });
}

function summarize(roomId: string, events: readonly Event[]): RoomSummary {
  const create = findNewest(events, "m.room.create");
  const content = (type: string) => findNewest(events, type)?.content ?? {};
  return {
    roomId,
    name: parseText(content("m.room.name").name),
    alias: parseText(content("m.room.canonical_alias").alias),
    version: create === undefined ? undefined : parseText(create.content.room_version) ?? "1",
    isEncrypted: findNewest(events, "m.room.encryption") !== undefined,
    replacement: parseText(content("m.room.tombstone").replacement_room),
  };
}

function findNewest(events: readonly Event[], type: string): Event | undefined {
  return events.findLast((event) => event.type === type && event.state_key === "");
}

function parseEvents(part: Readonly<Record<string, unknown>>): Event[] {
  return Array.isArray(part.events) ? part.events.filter(isEvent) : [];
}

function isEvent(value: unknown): value is Event {
  return isObject(value) && typeof value.type === "string" && isObject(value.content);
}

function objectAt(value: unknown, key: string): Readonly<Record<string, unknown>> {
  const part = isObject(value) ? value[key] : undefined;
  return isObject(part) ? part : {};
}

/** An empty text counts as none: that is how a client removes a name. */
function parseText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
