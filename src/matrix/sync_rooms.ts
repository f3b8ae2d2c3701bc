/** The rooms in the answer to a `GET /sync` (Client-Server API, "Syncing", "Stripped state"). */

import { isObject } from "../base/fields.ts";

/** What a room's own events say about it. */
export interface RoomSummary {
  readonly roomId: string;
  readonly name?: string;
  /** Its canonical alias. */
  readonly alias?: string;
  /** The room version; rooms whose first event names none are of version 1. */
  readonly version?: string;
  readonly isEncrypted: boolean;
  /** The room that it was replaced by. */
  readonly replacement?: string;
}

/** A room that we are in. */
export interface JoinedRoom extends RoomSummary {
  /** Who made it. */
  readonly creator?: string;
  /** The content of its first event. */
  readonly creation: Readonly<Record<string, unknown>>;
}

/** A room that we may enter. */
export interface Invite extends RoomSummary {
  /** Who invited us. */
  readonly inviter?: string;
  /** Whether it was meant as a direct chat. */
  readonly isDirect: boolean;
}

interface Event {
  readonly type: string;
  readonly state_key?: unknown;
  readonly sender?: unknown;
  readonly content: Readonly<Record<string, unknown>>;
}

/** Reads `rooms.join`. */
export function joinedIn(rooms: unknown): JoinedRoom[] {
  return Object.entries(objectAt(rooms, "join")).map(([roomId, room]) => {
    const events = [...eventsIn(objectAt(room, "state")), ...eventsIn(objectAt(room, "timeline"))];
    const create = newest(events, "m.room.create");
    return { ...summary(roomId, events), creator: textOf(create?.sender), creation: create?.content ?? {} };
  });
}

/** Reads `rooms.invite`. */
export function invitesIn(rooms: unknown): Invite[] {
  return Object.entries(objectAt(rooms, "invite")).map(([roomId, room]) => {
    const events = eventsIn(objectAt(room, "invite_state"));
    const own = events.findLast(({ type, content }) => type === "m.room.member" && content.membership === "invite");
    return {
      ...summary(roomId, events),
      inviter: textOf(own?.sender),
      isDirect: own?.content.is_direct === true,
    };
  });
}

function summary(roomId: string, events: readonly Event[]): RoomSummary {
  const create = newest(events, "m.room.create");
  const content = (type: string) => newest(events, type)?.content ?? {};
  return {
    roomId,
    name: textOf(content("m.room.name").name),
    alias: textOf(content("m.room.canonical_alias").alias),
    version: create === undefined ? undefined : textOf(create.content.room_version) ?? "1",
    isEncrypted: newest(events, "m.room.encryption") !== undefined,
    replacement: textOf(content("m.room.tombstone").replacement_room),
  };
}

function newest(events: readonly Event[], type: string): Event | undefined {
  return events.findLast((event) => event.type === type && event.state_key === "");
}

function eventsIn(part: Readonly<Record<string, unknown>>): Event[] {
  return Array.isArray(part.events) ? part.events.filter(isEvent) : [];
}

function isEvent(value: unknown): value is Event {
  return isObject(value) && typeof value.type === "string" && isObject(value.content);
}

function objectAt(value: unknown, key: string): Readonly<Record<string, unknown>> {
  const part = isObject(value) ? value[key] : undefined;
  return isObject(part) ? part : {};
}

/** An empty name is how a name is taken away. */
function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
