/**
 * Reads the rooms that we are in and our invites with `GET /sync` (Client-Server API, "Syncing",
 * "Stripped state"). A filter limits the answer to the needed data. Without the filter, the answer
 * would be large for an account with many rooms.
 *
 * @module
 */

import { isObject } from "../base/fields.ts";
import { hideSecrets } from "../base/secret.ts";
import { missingField } from "./errors.ts";
import { cutRoomName } from "./room_state.ts";
import { isAlias, isPosition, isRoomId, isUserId } from "./ids.ts";
import { type MatrixClient, MAX_LONG_ANSWER_BYTES, request, type RequestOptions } from "./request.ts";

/** The properties of a room, read from its state events. */
export interface RoomSummary {
  readonly roomId: string;
  readonly name?: string;
  /** The canonical alias. */
  readonly alias?: string;
  /** The room version. The version is 1 if the room's first event does not contain a version. */
  readonly version?: string;
  readonly isEncrypted: boolean;
  /** The id of the room that replaced this room. */
  readonly replacement?: string;
}

/** A room that we are in. */
export interface JoinedRoom extends RoomSummary {
  /** The user who created the room. */
  readonly creator?: string;
  /** The content of the room's first event. */
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
  /**
   * The value of `since` in an earlier result. With this option, the server returns only the
   * changes after the earlier result.
   */
  readonly since?: string;
  /**
   * The time that the server may wait for changes, in milliseconds. The timeout of the request is
   * the sum of this time and `timeoutMs`.
   *
   * @default {0}
   */
  readonly waitMs?: number;
}

/**
 * All rooms and invites. With the option `since`, the lists contain only the rooms and invites that
 * have changed.
 */
export interface SyncedRooms {
  /** The value of the option `since` for the next request. */
  readonly since: string;
  readonly joined: readonly JoinedRoom[];
  readonly invites: readonly Invite[];
}

/** The types of the state events that a {@linkcode RoomSummary} needs. */
const STATE_TYPES = ["m.room.create", "m.room.name", "m.room.canonical_alias", "m.room.encryption", "m.room.tombstone"];

const NOTHING = { not_types: ["*"] };

/**
 * Creates the filter of a request. The newest state events may be in the state or in the timeline
 * of the answer, so the filter includes both. Synapse caches the answer to an initial sync for two
 * minutes. If the same filter is sent again, the answer may be old. Therefore each filter contains
 * the current time, as the name of a presence type that does not exist.
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
 * Reads our rooms and invites.
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
    maxAnswerBytes: MAX_LONG_ANSWER_BYTES,
    signal,
  });
  if (!isPosition(answer.next_batch)) throw missingField("next_batch");
  return {
    since: answer.next_batch,
    joined: parseJoinedRooms(answer.rooms),
    invites: parseInvites(answer.rooms),
  };
}

/** Options of {@linkcode waitForInvites}. */
export interface InviteOptions extends RequestOptions {
  /** The total time to wait, in milliseconds. */
  readonly waitMs: number;
  /** The id of the room to wait for. @default any room */
  readonly roomId?: string;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** The longest time that one request waits, in milliseconds. Proxies may end longer requests. */
const MAX_POLL_MS = 25_000;

/** The pause before the next request if the server answers immediately, in milliseconds. */
const MIN_PAUSE_MS = 500;

/**
 * Waits for an invite. Returns immediately if there is already an invite.
 *
 * @returns the invites; empty if there was no invite within `waitMs`
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
  return roomsIn(rooms, "join").map(([roomId, room]) => {
    const events = [...parseEvents(objectAt(room, "state")), ...parseEvents(objectAt(room, "timeline"))];
    const create = findNewest(events, "m.room.create");
    return {
      ...summarize(roomId, events),
      creator: checked(create?.sender, isUserId),
      creation: create?.content ?? {},
    };
  });
}

function parseInvites(rooms: unknown): Invite[] {
  return roomsIn(rooms, "invite").map(([roomId, room]) => {
    const events = parseEvents(objectAt(room, "invite_state"));
    const own = events.findLast(({ type, content }) => type === "m.room.member" && content.membership === "invite");
    return {
      ...summarize(roomId, events),
      inviter: checked(own?.sender, isUserId),
      isDirect: own?.content.is_direct === true,
    };
  });
}

function roomsIn(rooms: unknown, membership: "join" | "invite"): [roomId: string, room: unknown][] {
  return Object.entries(objectAt(rooms, membership)).filter(([roomId]) => isRoomId(roomId));
}

function checked(value: unknown, isValid: (value: unknown) => value is string): string | undefined {
  return isValid(value) ? value : undefined;
}

function summarize(roomId: string, events: readonly Event[]): RoomSummary {
  const create = findNewest(events, "m.room.create");
  const content = (type: string) => findNewest(events, type)?.content ?? {};
  const name = parseText(content("m.room.name").name);
  return {
    roomId,
    // The HTTP client does not hide secrets in an answer of more than 1 MiB. Therefore secrets are
    // hidden here.
    name: name && cutRoomName(hideSecrets(name)),
    alias: checked(content("m.room.canonical_alias").alias, isAlias),
    version: create === undefined ? undefined : parseText(create.content.room_version) ?? "1",
    isEncrypted: findNewest(events, "m.room.encryption") !== undefined,
    replacement: checked(content("m.room.tombstone").replacement_room, isRoomId),
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

/** Returns undefined for an empty text, because clients set an empty text to remove a name. */
function parseText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
