/** Power levels: who may do what in a room of a loopback homeserver. */

import { type Answer, matrixError } from "./answer.ts";
import { type Room, stateOf } from "./rooms.ts";

/** An act: an event of a type, or one that has a level of its own. */
export interface Act {
  readonly userId: string;
  readonly type: string;
  readonly isState?: boolean;
}

/** The power of a user. A creator's is without limit since room version 12. */
export function powerIn(room: Room, userId: string): number {
  const create = stateOf(room.timeline, "m.room.create")?.content ?? {};
  const creators = [room.creator, ...listOf(create.additional_creators)];
  if (Number(room.version) >= 12 && creators.includes(userId)) return Infinity;
  const levels = stateOf(room.timeline, "m.room.power_levels")?.content;
  if (levels === undefined) return userId === room.creator ? 100 : 0;
  return numberIn(levels.users, userId) ?? numberIn(levels, "users_default") ?? 0;
}

/** The level that an action of the room's own needs: `invite`. */
export function levelOf(room: Room, action: string): number {
  return numberIn(stateOf(room.timeline, "m.room.power_levels")?.content, action) ?? 0;
}

/** Why somebody may not send an event; undefined when they may. Without power levels everybody may, as most tests want it. */
export function tooWeak(room: Room, { userId, type, isState = false }: Act): Answer | undefined {
  const levels = stateOf(room.timeline, "m.room.power_levels")?.content;
  if (levels === undefined) return undefined;
  const fallback = isState ? numberIn(levels, "state_default") ?? 50 : numberIn(levels, "events_default") ?? 0;
  const needed = numberIn(levels.events, type) ?? fallback;
  const power = powerIn(room, userId);
  if (power >= needed) return undefined;
  const text = "You don't have permission to post that to the room.";
  return matrixError(403, "M_FORBIDDEN", `${text} user_level (${power}) < send_level (${needed})`);
}

/** What Synapse writes into a new room. */
export function defaultPowerLevels(version: string, users: Readonly<Record<string, number>>): Record<string, unknown> {
  return {
    users,
    users_default: 0,
    events: {
      "m.room.avatar": 50,
      "m.room.canonical_alias": 50,
      "m.room.encryption": 100,
      "m.room.history_visibility": 100,
      "m.room.name": 50,
      "m.room.power_levels": 100,
      "m.room.server_acl": 100,
      "m.room.tombstone": Number(version) >= 12 ? 150 : 100,
    },
    events_default: 0,
    state_default: 50,
    ban: 50,
    kick: 50,
    redact: 50,
    invite: 0,
    historical: 100,
  };
}

function numberIn(value: unknown, key: string): number | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const found = Object.entries(value).find(([name]) => name === key)?.[1];
  return typeof found === "number" ? found : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
