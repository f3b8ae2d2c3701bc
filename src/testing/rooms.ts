/** The rooms of a loopback homeserver: who is in them and what happened there. */

import type { Token } from "./homeserver_types.ts";
import type { JsonObject } from "./content.ts";
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
  readonly creator: string;
  readonly version: string;
  public: boolean;
  readonly members: Set<string>;
  readonly invited: Set<string>;
  readonly banned: Set<string>;
  readonly timeline: TimelineEvent[];
  /** Where each event of the timeline stands in the order of all events of the server. */
  readonly positions: number[];
}

/** An event to be put into a room. */
type NewEvent = Pick<TimelineEvent, "type" | "sender" | "content" | "state_key" | "sent">;

/** A room to be made, with what only the server's own parts say. */
export interface NewRoom extends RoomOptions {
  /** By default 12. */
  readonly version?: string;
  /** What else stands in its first event. */
  readonly creation?: JsonObject;
}

/** All rooms and their aliases. */
export class Rooms {
  readonly #now: () => number;
  readonly #rooms = new Map<string, Room>();
  readonly #aliases = new Map<string, Room>();
  #position = 0;
  #change = Promise.withResolvers<void>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** How many events there are. */
  get position(): number {
    return this.#position;
  }

  /** Resolves with the next event. */
  get change(): Promise<void> {
    return this.#change.promise;
  }

  create(options: NewRoom): Room {
    const [creator] = options.members;
    const { roomId = opaqueId("!"), alias, version = "12", name, powerLevels } = options;
    if (creator === undefined) throw new Error("Cannot create a room: it has no members");
    if (this.#rooms.has(roomId)) throw new Error(`Cannot create the room ${roomId}: there is such a room already`);
    if (alias !== undefined && this.#aliases.has(alias)) throw new Error(`Cannot create a room: ${alias} is taken`);
    const room: Room = {
      roomId,
      creator,
      version,
      public: options.public ?? false,
      members: new Set(),
      invited: new Set(),
      banned: new Set(),
      timeline: [],
      positions: [],
    };
    this.#rooms.set(roomId, room);
    const state = (type: string, content: JsonObject) =>
      this.append(room, { type, sender: creator, content, state_key: "" });
    state("m.room.create", { ...options.creation, room_version: version });
    this.join(room, creator);
    if (powerLevels !== undefined) state("m.room.power_levels", powerLevels);
    if (name !== undefined) state("m.room.name", { name });
    if (alias !== undefined) this.name(room, alias);
    for (const member of options.members.slice(1)) this.join(room, member);
    for (const guest of options.invited ?? []) this.invite(room, guest, { sender: creator });
    return room;
  }

  get(roomId: string): Room | undefined {
    return this.#rooms.get(roomId);
  }

  ids(): string[] {
    return [...this.#rooms.keys()];
  }

  all(): Room[] {
    return [...this.#rooms.values()];
  }

  byAlias(alias: string): Room | undefined {
    return this.#aliases.get(alias);
  }

  /** Gives an alias to a room, whoever had it before. */
  name(room: Room, alias: string): void {
    this.#aliases.set(alias, room);
    this.append(room, {
      type: "m.room.canonical_alias",
      sender: room.creator,
      content: { alias },
      state_key: "",
    });
  }

  /** The aliases of a room. */
  aliasesOf(room: Room): string[] {
    return [...this.#aliases].filter(([, named]) => named === room).map(([alias]) => alias);
  }

  join(room: Room, userId: string): void {
    room.invited.delete(userId);
    room.members.add(userId);
    this.#setMembership(room, userId, { membership: "join" });
  }

  leave(room: Room, userId: string): void {
    room.members.delete(userId);
    room.invited.delete(userId);
    this.#setMembership(room, userId, { membership: "leave" });
  }

  invite(room: Room, userId: string, { sender, isDirect = false }: { sender: string; isDirect?: boolean }): void {
    room.invited.add(userId);
    const content = { membership: "invite", ...(isDirect ? { is_direct: true } : {}) };
    this.append(room, { type: "m.room.member", sender, content, state_key: userId });
  }

  ban(room: Room, userId: string): void {
    room.members.delete(userId);
    room.invited.delete(userId);
    room.banned.add(userId);
    this.append(room, {
      type: "m.room.member",
      sender: room.creator,
      content: { membership: "ban" },
      state_key: userId,
    });
  }

  append(room: Room, event: NewEvent): TimelineEvent {
    const whole = { ...event, event_id: opaqueId("$"), origin_server_ts: this.#now() };
    room.timeline.push(whole);
    room.positions.push(++this.#position);
    this.#change.resolve();
    this.#change = Promise.withResolvers();
    return whole;
  }

  purge(room: Room): void {
    const kept = room.timeline.map((event, at) => [event, room.positions[at]] as const)
      .filter(([event]) => event.state_key !== undefined);
    room.timeline.splice(0, Infinity, ...kept.map(([event]) => event));
    room.positions.splice(0, Infinity, ...kept.map(([, position]) => position));
  }

  #setMembership(room: Room, userId: string, content: { readonly membership: "join" | "leave" }): void {
    this.append(room, { type: "m.room.member", sender: userId, content, state_key: userId });
  }
}

/** The state event of a room; undefined where it has none. */
export function stateOf(
  timeline: readonly TimelineEvent[],
  type: string,
  stateKey = "",
): TimelineEvent | undefined {
  return timeline.findLast((event) => event.type === type && event.state_key === stateKey);
}

/** An id without a domain, as a hash of 32 bytes makes it: a sign and 43 characters. */
export function opaqueId(sign: "!" | "$"): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return sign + bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}
