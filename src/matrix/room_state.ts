/**
 * The state of a room: members, replacement, power levels (Client-Server API, "Room events", "Room
 * upgrades").
 */

import { isObject } from "../base/fields.ts";
import { MatrixError } from "./errors.ts";
import { parseServerName } from "./ids.ts";
import { type MatrixClient, request, type RequestOptions } from "./request.ts";

/** Options of {@linkcode readState}. */
export interface StateOptions extends RequestOptions {
  readonly roomId: string;
  /** `m.room.name` */
  readonly type: string;
  /** @default {""} */
  readonly stateKey?: string;
}

/** A state event. */
export interface StateEvent {
  readonly content: Readonly<Record<string, unknown>>;
  /** Absent on servers that do not know `format=event`. */
  readonly sender?: string;
}

/**
 * Reads one state event: `GET /rooms/{roomId}/state/{eventType}/{stateKey}`. A user who left the
 * room gets the state of that time.
 *
 * @returns undefined if the room has no such event
 * @throws the errors of {@linkcode request}; M_FORBIDDEN if we are not in the room
 */
export async function readState(client: MatrixClient, options: StateOptions): Promise<StateEvent | undefined> {
  const { roomId, type, stateKey = "", timeoutMs, signal } = options;
  const path = ["rooms", roomId, "state", type, ...(stateKey === "" ? [] : [stateKey])];
  try {
    const event = await request(client, { method: "GET", path, query: { format: "event" }, timeoutMs, signal });
    if (!isObject(event.content) || typeof event.sender !== "string") return { content: event };
    return { content: event.content, sender: event.sender };
  } catch (error) {
    if (error instanceof MatrixError && error.status === 404 && error.errcode === "M_NOT_FOUND") return undefined;
    throw error;
  }
}

/** The membership of a user in a room. */
export type Membership = "invite" | "join" | "knock" | "leave" | "ban";

const MEMBERSHIPS: readonly Membership[] = ["invite", "join", "knock", "leave", "ban"];

/**
 * Reads the membership of a user: the `m.room.member` event.
 *
 * @returns undefined if the user never had one
 * @throws the errors of {@linkcode readState}
 */
export async function readMembership(
  client: MatrixClient,
  { userId, ...options }: RequestOptions & { readonly roomId: string; readonly userId: string },
): Promise<Membership | undefined> {
  const member = await readState(client, { ...options, type: "m.room.member", stateKey: userId });
  return MEMBERSHIPS.find((membership) => membership === member?.content.membership);
}

/** The room that replaced another one. */
export interface Replacement {
  readonly roomId: string;
  /** The server of the user who replaced the room: it is in the new room. */
  readonly via: readonly string[];
}

/**
 * Reads the room that replaced this one: the `m.room.tombstone` event (Client-Server API, "Room
 * upgrades").
 *
 * @returns undefined if it was not replaced
 * @throws the errors of {@linkcode readState}
 */
export async function readReplacement(
  client: MatrixClient,
  options: RequestOptions & { readonly roomId: string },
): Promise<Replacement | undefined> {
  const tombstone = await readState(client, { ...options, type: "m.room.tombstone" });
  const roomId = tombstone?.content.replacement_room;
  if (typeof roomId !== "string" || !/^!./.test(roomId) || roomId === options.roomId) return undefined;
  const server = parseServerName(tombstone?.sender ?? "");
  return { roomId, via: server === undefined ? [] : [server] };
}

/**
 * The state events that decide about power: the room's first event, and its power levels if it has
 * any.
 */
export interface PowerState {
  readonly create: StateEvent | undefined;
  readonly powerLevels: StateEvent | undefined;
}

/**
 * Room versions after this one put the creators above all levels. A version that is no number
 * counts as an earlier one.
 */
const LAST_VERSION_WITHOUT_CREATORS = 11;

/**
 * Computes the power level of a user (Client-Server API, `m.room.power_levels`).
 *
 * @returns Infinity for a creator since room version 12
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

/** Returns the power level that sending an event needs; 0 for messages if the room does not say. */
export function powerToSend(eventType: string, { powerLevels }: Pick<PowerState, "powerLevels">): number {
  const { events, events_default } = powerLevels?.content ?? {};
  return findLevel(events, eventType) ?? parseLevel(events_default) ?? 0;
}

/** Returns the power level that mentioning the whole room needs. */
export function powerToMentionRoom({ powerLevels }: Pick<PowerState, "powerLevels">): number {
  return findLevel(powerLevels?.content.notifications, "room") ?? 50;
}

function findLevel(levels: unknown, key: string): number | undefined {
  return isObject(levels) && Object.hasOwn(levels, key) ? parseLevel(levels[key]) : undefined;
}

/** Rooms before version 10 may have levels as text. */
function parseLevel(value: unknown): number | undefined {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}
