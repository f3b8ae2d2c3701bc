/** What is remembered of a destination's room. */

import { isObject } from "../../base/fields.ts";
import { laneKey } from "../../queue/entry.ts";

/** A room that a destination had before. */
export interface FormerRoom {
  readonly roomId: string;
  /** When it was left, milliseconds since 1970. */
  readonly until: number;
}

/** The room of a destination. */
export interface KnownRoom {
  readonly roomId: string;
  /** When it was looked at, milliseconds since 1970. */
  readonly seen: number;
  /** The oldest first. */
  readonly former: readonly FormerRoom[];
  /** Whose direct chat it is: our own user id. */
  readonly owner?: string;
}

/** Under which key a channel's destination is remembered. */
export function roomKey(channel: string, destination: string): string {
  return `room ${laneKey({ channel, destination })}`;
}

/** How far the clocks of this host and of the homeserver may differ. */
export const CLOCK_SKEW_MS = 10 * 60_000;

/** Reads what a memory gave; undefined when that is something else. */
export function readKnownRoom(value: unknown): KnownRoom | undefined {
  if (!isObject(value)) return undefined;
  const { roomId, seen, former, owner } = value;
  if (!isRoomId(roomId) || typeof seen !== "number" || !Array.isArray(former)) return undefined;
  return { roomId, seen, former: former.filter(isFormerRoom), ...(typeof owner === "string" ? { owner } : {}) };
}

/** The rooms to which something that left since then may have gone, but for the present one. */
export function formerRoomsSince({ roomId, former }: KnownRoom, since: number): string[] {
  const rooms = former.filter(({ until }) => until >= since - CLOCK_SKEW_MS).map((room) => room.roomId);
  return [...new Set(rooms)].filter((room) => room !== roomId);
}

function isFormerRoom(value: unknown): value is FormerRoom {
  return isObject(value) && isRoomId(value.roomId) && typeof value.until === "number";
}

function isRoomId(value: unknown): value is string {
  return typeof value === "string" && /^!./.test(value);
}
