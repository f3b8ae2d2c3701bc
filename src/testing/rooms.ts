/** The rooms of a loopback homeserver: who is in them and what happened there. */

import type { Token } from "./accounts.ts";
import type { RoomEvent, RoomOptions } from "./homeserver_types.ts";

/** An event with what the server knows of it besides. */
export interface TimelineEvent extends RoomEvent {
  /** Present in the events that make the room's state. */
  readonly state_key?: string;
  /** Who sent it under which transaction id; undefined for events that the server made itself. */
  readonly sent?: { readonly by: Token; readonly txnId: string };
}

/** A room. */
export interface Room {
  readonly roomId: string;
  readonly public: boolean;
  readonly members: Set<string>;
  readonly invited: Set<string>;
  readonly timeline: TimelineEvent[];
}

/** An event to be put into a room. */
type NewEvent = Pick<TimelineEvent, "type" | "sender" | "content" | "state_key" | "sent">;

/** All rooms and their aliases. */
export class Rooms {
  readonly #now: () => number;
  readonly #rooms = new Map<string, Room>();
  readonly #aliases = new Map<string, Room>();

  constructor(now: () => number) {
    this.#now = now;
  }

  create(options: RoomOptions): Room {
    const [creator] = options.members;
    const { roomId = opaqueId("!"), alias } = options;
    if (creator === undefined) throw new Error("Cannot create a room: it has no members");
    if (this.#rooms.has(roomId)) throw new Error(`Cannot create the room ${roomId}: there is such a room already`);
    if (alias !== undefined && this.#aliases.has(alias)) throw new Error(`Cannot create a room: ${alias} is taken`);
    const room: Room = {
      roomId,
      public: options.public ?? false,
      members: new Set(),
      invited: new Set(options.invited),
      timeline: [],
    };
    this.#rooms.set(roomId, room);
    if (alias !== undefined) this.#aliases.set(alias, room);
    this.append(room, { type: "m.room.create", sender: creator, content: { room_version: "12" }, state_key: "" });
    for (const member of options.members) this.join(room, member);
    return room;
  }

  get(roomId: string): Room | undefined {
    return this.#rooms.get(roomId);
  }

  byAlias(alias: string): Room | undefined {
    return this.#aliases.get(alias);
  }

  join(room: Room, userId: string): void {
    room.invited.delete(userId);
    room.members.add(userId);
    this.#setMembership(room, userId, "join");
  }

  leave(room: Room, userId: string): void {
    room.members.delete(userId);
    this.#setMembership(room, userId, "leave");
  }

  append(room: Room, event: NewEvent): TimelineEvent {
    const whole = { ...event, event_id: opaqueId("$"), origin_server_ts: this.#now() };
    room.timeline.push(whole);
    return whole;
  }

  #setMembership(room: Room, userId: string, membership: "join" | "leave"): void {
    this.append(room, { type: "m.room.member", sender: userId, content: { membership }, state_key: userId });
  }
}

/** An id without a domain, as a hash of 32 bytes makes it: a sign and 43 characters. */
function opaqueId(sign: "!" | "$"): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return sign + bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}
