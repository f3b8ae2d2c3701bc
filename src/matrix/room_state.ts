/**
 * The state of a room: its members, its power levels, and the room that replaced it (Client-Server
 * API, "Room events", "Room upgrades").
 */

import { isObject } from "../base/fields.ts";
import { firstChars } from "../base/printable.ts";
import { MatrixError } from "./errors.ts";
import { isAlias, isRoomId, isUserId, parseServerName } from "./ids.ts";
import { type MatrixClient, request, type RequestOptions } from "./request.ts";

/** Options of {@linkcode readState}. */
export interface StateOptions extends RequestOptions {
  readonly roomId: string;
  /** The event type, such as `m.room.name`. */
  readonly type: string;
  /** The state key. @default {""} */
  readonly stateKey?: string;
}

/** A state event. */
export interface StateEvent {
  readonly content: Readonly<Record<string, unknown>>;
  /** The user who sent the event. Absent if the server does not support `format=event`. */
  readonly sender?: string;
}

/**
 * Reads one state event: `GET /rooms/{roomId}/state/{eventType}/{stateKey}`. If we have left the
 * room, the server returns the event that was current when we left.
 *
 * @returns undefined if the room does not have this event
 * @throws the errors of {@linkcode request}; M_FORBIDDEN if we may not read the state of the room
 */
export async function readState(client: MatrixClient, options: StateOptions): Promise<StateEvent | undefined> {
  const { roomId, type, stateKey = "", timeoutMs, signal } = options;
  const path = ["rooms", roomId, "state", type, ...(stateKey === "" ? [] : [stateKey])];
  try {
    const event = await request(client, { method: "GET", path, query: { format: "event" }, timeoutMs, signal });
    if (!isObject(event.content) || !isUserId(event.sender)) return { content: event };
    return { content: event.content, sender: event.sender };
  } catch (error) {
    if (error instanceof MatrixError && error.status === 404 && error.errcode === "M_NOT_FOUND") return undefined;
    throw error;
  }
}

/** The maximum length of the name of a room, in characters. A longer name is cut. */
const MAX_NAME_CHARS = 255;

/** Shortens the name of a room, if it is very long. */
export function cutRoomName(name: string): string {
  return firstChars(name, MAX_NAME_CHARS).toWellFormed();
}

/**
 * Reads the name of a room: its `m.room.name` or else its canonical alias.
 *
 * @returns undefined if the room has neither a name nor an alias
 * @throws the errors of {@linkcode readState}
 */
export async function readRoomName(
  client: MatrixClient,
  options: RequestOptions & { readonly roomId: string },
): Promise<string | undefined> {
  const name = (await readState(client, { ...options, type: "m.room.name" }))?.content.name;
  if (typeof name === "string" && name.trim() !== "") return cutRoomName(name);
  const alias = (await readState(client, { ...options, type: "m.room.canonical_alias" }))?.content.alias;
  return isAlias(alias) ? alias : undefined;
}

/** The membership of a user in a room. */
export type Membership = "invite" | "join" | "knock" | "leave" | "ban";

const MEMBERSHIPS: readonly Membership[] = ["invite", "join", "knock", "leave", "ban"];

/**
 * Reads the membership of a user from the `m.room.member` event.
 *
 * @returns undefined if the user was never invited to the room and never joined it
 * @throws the errors of {@linkcode readState}
 */
export async function readMembership(
  client: MatrixClient,
  { userId, ...options }: RequestOptions & { readonly roomId: string; readonly userId: string },
): Promise<Membership | undefined> {
  const member = await readState(client, { ...options, type: "m.room.member", stateKey: userId });
  return MEMBERSHIPS.find((membership) => membership === member?.content.membership);
}

/** The room that replaced another room. */
export interface Replacement {
  readonly roomId: string;
  /**
   * The server through which we can join the new room: the server of the user who replaced the old
   * room. Empty if this server is unknown.
   */
  readonly via: readonly string[];
}

/**
 * Reads the id of the room that replaced this room, from the `m.room.tombstone` event
 * (Client-Server API, "Room upgrades").
 *
 * @returns undefined if the room was not replaced
 * @throws the errors of {@linkcode readState}
 */
export async function readReplacement(
  client: MatrixClient,
  options: RequestOptions & { readonly roomId: string },
): Promise<Replacement | undefined> {
  const tombstone = await readState(client, { ...options, type: "m.room.tombstone" });
  const roomId = tombstone?.content.replacement_room;
  if (!isRoomId(roomId) || roomId === options.roomId) return undefined;
  const server = parseServerName(tombstone?.sender ?? "");
  return { roomId, via: server === undefined ? [] : [server] };
}

/**
 * The state events that determine the power levels of users. Not every room has an
 * `m.room.power_levels` event.
 */
export interface PowerState {
  readonly create: StateEvent | undefined;
  readonly powerLevels: StateEvent | undefined;
}

/**
 * The last room version in which creators have a normal power level. In later versions, the power
 * of creators is unlimited. If a version is not a number, the rules of version 11 are used.
 */
const LAST_VERSION_WITHOUT_CREATORS = 11;

/**
 * Computes the power level of a user (Client-Server API, `m.room.power_levels`).
 *
 * @returns the level; Infinity for a creator of a room with version 12 or later
 */
export function userPower(userId: string, { create, powerLevels }: PowerState): number {
  const additional = create?.content.additional_creators;
  const creators = [create?.sender, ...(Array.isArray(additional) ? additional : [])];
  if (Number(create?.content.room_version ?? 1) > LAST_VERSION_WITHOUT_CREATORS && creators.includes(userId)) {
    return Infinity;
  }
  if (powerLevels === undefined) return create?.sender === userId ? 100 : 0;
  const { users, users_default } = powerLevels.content;
  return findLevel(users, userId) ?? parseLevel(users_default) ?? 0;
}

/** Returns the power level that a user needs to send an event. The default is 0. */
export function powerToSend(eventType: string, { powerLevels }: Pick<PowerState, "powerLevels">): number {
  const { events, events_default } = powerLevels?.content ?? {};
  return findLevel(events, eventType) ?? parseLevel(events_default) ?? 0;
}

/** Returns the power level that a user needs to mention the whole room. */
export function powerToMentionRoom({ powerLevels }: Pick<PowerState, "powerLevels">): number {
  return findLevel(powerLevels?.content.notifications, "room") ?? 50;
}

function findLevel(levels: unknown, key: string): number | undefined {
  return isObject(levels) && Object.hasOwn(levels, key) ? parseLevel(levels[key]) : undefined;
}

/**
 * Parses a power level. In rooms with a version before 10, a level may be a text such as `"50"`.
 */
function parseLevel(value: unknown): number | undefined {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}
