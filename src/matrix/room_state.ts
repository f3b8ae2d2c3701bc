/** The state of a room (Client-Server API, "Getting events for a room", `GET /rooms/{roomId}/state/{eventType}/{stateKey}`). */

import { isObject } from "../base/fields.ts";
import { MatrixError } from "./errors.ts";
import { serverNameOf } from "./ids.ts";
import { type MatrixClient, request } from "./request.ts";
import type { RoomOptions } from "./rooms.ts";

/** Which state event of which room. */
export interface StateOptions extends RoomOptions {
  readonly roomId: string;
  /** `m.room.name` */
  readonly type: string;
  /** @default {""} */
  readonly stateKey?: string;
}

/** A state event, as far as a server tells. */
export interface StateEvent {
  readonly content: Readonly<Record<string, unknown>>;
  /** Servers that do not know `format=event` leave it out. */
  readonly sender?: string;
}

/**
 * Reads one state event. Whoever left a room sees its state as it was then.
 *
 * @returns undefined where the room has none of it
 * @throws whatever {@linkcode request} throws; M_FORBIDDEN when we are not in the room
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

/** What stands between a user and a room. */
export type Membership = "invite" | "join" | "knock" | "leave" | "ban";

const MEMBERSHIPS: readonly Membership[] = ["invite", "join", "knock", "leave", "ban"];

/**
 * What a user is to a room: its `m.room.member` event.
 *
 * @returns undefined for one who never had to do with it
 * @throws whatever {@linkcode readState} throws
 */
export async function readMembership(
  client: MatrixClient,
  { userId, ...options }: RoomOptions & { readonly roomId: string; readonly userId: string },
): Promise<Membership | undefined> {
  const member = await readState(client, { ...options, type: "m.room.member", stateKey: userId });
  return MEMBERSHIPS.find((membership) => membership === member?.content.membership);
}

/** Where a room went on. */
export interface Replacement {
  readonly roomId: string;
  /** The server of whoever replaced it, which is in the new room. */
  readonly via: readonly string[];
}

/**
 * Whether a room was replaced: its `m.room.tombstone` event (Client-Server API, "Room upgrades").
 *
 * @returns undefined where it was not
 * @throws whatever {@linkcode readState} throws
 */
export async function readReplacement(
  client: MatrixClient,
  options: RoomOptions & { readonly roomId: string },
): Promise<Replacement | undefined> {
  const tombstone = await readState(client, { ...options, type: "m.room.tombstone" });
  const roomId = tombstone?.content.replacement_room;
  if (typeof roomId !== "string" || !/^!./.test(roomId) || roomId === options.roomId) return undefined;
  const server = serverNameOf(tombstone?.sender ?? "");
  return { roomId, via: server === undefined ? [] : [server] };
}
