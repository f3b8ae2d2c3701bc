/** Who may do what in a room (Client-Server API, `m.room.power_levels`; room version 12 puts its creators above all levels). */

import type { StateEvent } from "./room_state.ts";

/** What decides: the room's first event, and its power levels where it has any. */
export interface PowerState {
  readonly create: StateEvent | undefined;
  readonly powerLevels: StateEvent | undefined;
}

/** Versions before 12 know no power beyond the levels; of names that are no numbers nothing is known. */
const LAST_VERSION_WITHOUT_CREATORS = 11;

/** The power of a user; Infinity for a creator since room version 12. */
export function powerOf(userId: string, { create, powerLevels }: PowerState): number {
  const creators = [create?.sender, ...listOf(create?.content.additional_creators)];
  if (Number(create?.content.room_version ?? 1) > LAST_VERSION_WITHOUT_CREATORS && creators.includes(userId)) {
    return Infinity;
  }
  if (powerLevels === undefined) return create?.sender === userId ? 100 : 0;
  const { users, users_default } = powerLevels.content;
  return levelIn(users, userId) ?? level(users_default) ?? 0;
}

/** The power that sending an event needs; 0 for messages where nothing is said. */
export function powerToSend(eventType: string, { powerLevels }: Pick<PowerState, "powerLevels">): number {
  const { events, events_default } = powerLevels?.content ?? {};
  return levelIn(events, eventType) ?? level(events_default) ?? 0;
}

/** The power that mentioning everybody needs. */
export function powerToMentionRoom({ powerLevels }: Pick<PowerState, "powerLevels">): number {
  return levelIn(powerLevels?.content.notifications, "room") ?? 50;
}

function levelIn(levels: unknown, key: string): number | undefined {
  if (typeof levels !== "object" || levels === null || !Object.hasOwn(levels, key)) return undefined;
  return level(Object.entries(levels).find(([name]) => name === key)?.[1]);
}

/** Old rooms write levels as text. */
function level(value: unknown): number | undefined {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
