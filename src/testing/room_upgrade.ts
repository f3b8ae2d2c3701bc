/** What becomes of a room that is replaced by another, as Synapse does it. */

import type { UpgradeOptions } from "./homeserver_types.ts";
import { defaultPowerLevels } from "./power.ts";
import { type Room, type Rooms, stateOf } from "./rooms.ts";

/** Replaces a room by a new one, which only whoever does it has joined. */
export function upgrade(rooms: Rooms, room: Room, options: UpgradeOptions): Room {
  const { by = room.creator, invited = [], public: isPublic = room.public } = options;
  const levels = stateOf(room.timeline, "m.room.power_levels")?.content;
  const name = stateOf(room.timeline, "m.room.name")?.content.name;
  const next = rooms.create({
    members: [by],
    invited,
    public: isPublic,
    ...(typeof name === "string" ? { name } : {}),
    ...(levels === undefined ? {} : { powerLevels: levels }),
    creation: { predecessor: { room_id: room.roomId } },
  });
  for (const alias of rooms.aliasesOf(room)) rooms.name(next, alias);
  const state = (type: string, content: Readonly<Record<string, unknown>>) =>
    rooms.append(room, { type, sender: by, content, state_key: "" });
  state("m.room.tombstone", { body: "This room has been replaced", replacement_room: next.roomId });
  const old = levels ?? defaultPowerLevels(room.version, Number(room.version) >= 12 ? {} : { [room.creator]: 100 });
  const usersDefault = typeof old.users_default === "number" ? old.users_default : 0;
  const restricted = Math.max(usersDefault + 1, 50);
  const raised = (key: string) => Math.max(restricted, typeof old[key] === "number" ? old[key] : 0);
  state("m.room.power_levels", { ...old, events_default: raised("events_default"), invite: raised("invite") });
  return next;
}
