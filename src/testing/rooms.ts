/** The rooms of a loopback homeserver: their members, events, state, power levels and upgrades. */

import { isObject } from "../base/fields.ts";
import { type Answer, matrixError } from "./answer.ts";
import type { JsonObject } from "./content.ts";
import type { RoomEvent, RoomOptions, Token, UpgradeOptions } from "./homeserver_types.ts";

/** An event with internal data of the server. */
export interface TimelineEvent extends RoomEvent {
  /** The state key. Set only for state events. */
  readonly state_key?: string;
  /**
   * The token and the transaction id of the request that sent the event. Undefined if the server
   * created the event without a request.
   */
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
  /** For each event of the timeline, its position in the list of all events of the server. */
  readonly positions: number[];
}

type NewEvent = Pick<TimelineEvent, "type" | "sender" | "content" | "state_key" | "sent">;

/** The options of a new room, including the options that tests cannot set. */
export interface NewRoom extends RoomOptions {
  /** The room version. @default {"12"} */
  readonly version?: string;
  /** Additional fields for the content of `m.room.create`. */
  readonly creation?: JsonObject;
}

/** Stores all rooms and their aliases. */
export class Rooms {
  readonly #now: () => number;
  readonly #rooms = new Map<string, Room>();
  readonly #aliases = new Map<string, Room>();
  #position = 0;
  #change = Promise.withResolvers<void>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Returns the total number of events in all rooms. */
  get position(): number {
    return this.#position;
  }

  /** Returns a promise that resolves when the next event is created. */
  get change(): Promise<void> {
    return this.#change.promise;
  }

  create(options: NewRoom): Room {
    const [creator] = options.members;
    const { roomId = createId("!"), alias, version = "12", name, powerLevels } = options;
    if (creator === undefined) throw new Error("Cannot create a room: it has no members");
    if (this.#rooms.has(roomId)) throw new Error(`Cannot create the room ${roomId}: the room exists`);
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
    if (alias !== undefined) this.setAlias(room, alias);
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

  findByAlias(alias: string): Room | undefined {
    return this.#aliases.get(alias);
  }

  /** Sets the alias of a room. If another room has this alias, removes the alias from that room. */
  setAlias(room: Room, alias: string): void {
    this.#aliases.set(alias, room);
    this.append(room, {
      type: "m.room.canonical_alias",
      sender: room.creator,
      content: { alias },
      state_key: "",
    });
  }

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
    const whole = { ...event, event_id: createId("$"), origin_server_ts: this.#now() };
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

/** Finds the current state event of a type. */
export function findState(
  timeline: readonly TimelineEvent[],
  type: string,
  stateKey = "",
): TimelineEvent | undefined {
  return timeline.findLast((event) => event.type === type && event.state_key === stateKey);
}

/**
 * Creates an id without a domain. It consists of `sign` and 43 characters (32 random bytes in
 * base64).
 */
export function createId(sign: "!" | "$"): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return sign + bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** The sender and the type of an event that a user wants to send. */
export interface SendAction {
  readonly userId: string;
  readonly type: string;
  readonly isState?: boolean;
}

/**
 * Returns the power level of a user. Since room version 12, the power level of a creator is
 * unlimited.
 */
export function findUserLevel(room: Room, userId: string): number {
  const create = findState(room.timeline, "m.room.create")?.content ?? {};
  const creators = [room.creator, ...toList(create.additional_creators)];
  if (Number(room.version) >= 12 && creators.includes(userId)) return Infinity;
  const levels = findState(room.timeline, "m.room.power_levels")?.content;
  if (levels === undefined) return userId === room.creator ? 100 : 0;
  return readNumber(levels.users, userId) ?? readNumber(levels, "users_default") ?? 0;
}

/** Returns the power level that an action such as `invite` requires. */
export function findActionLevel(room: Room, action: string): number {
  return readNumber(findState(room.timeline, "m.room.power_levels")?.content, action) ?? 0;
}

/**
 * Returns an error answer if a user may not send an event. In a room without power levels, all
 * members may send.
 */
export function checkPower(room: Room, { userId, type, isState = false }: SendAction): Answer | undefined {
  const levels = findState(room.timeline, "m.room.power_levels")?.content;
  if (levels === undefined) return undefined;
  const fallback = isState ? readNumber(levels, "state_default") ?? 50 : readNumber(levels, "events_default") ?? 0;
  const needed = readNumber(levels.events, type) ?? fallback;
  const power = findUserLevel(room, userId);
  if (power >= needed) return undefined;
  const text = "You don't have permission to post that to the room.";
  return matrixError(403, "M_FORBIDDEN", `${text} user_level (${power}) < send_level (${needed})`);
}

/** Returns the power levels that Synapse sets in a new room. */
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

function readNumber(value: unknown, key: string): number | undefined {
  const found = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return typeof found === "number" ? found : undefined;
}

function toList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/**
 * Replaces a room with a new room, as Synapse would do. The user who replaces the room is the only
 * member of the new room.
 */
export function upgradeRoom(rooms: Rooms, room: Room, options: UpgradeOptions): Room {
  const { by = room.creator, invited = [], public: isPublic = room.public } = options;
  const levels = findState(room.timeline, "m.room.power_levels")?.content;
  const name = findState(room.timeline, "m.room.name")?.content.name;
  const next = rooms.create({
    members: [by],
    invited,
    public: isPublic,
    ...(typeof name === "string" ? { name } : {}),
    ...(levels === undefined ? {} : { powerLevels: levels }),
    creation: { predecessor: { room_id: room.roomId } },
  });
  for (const alias of rooms.aliasesOf(room)) rooms.setAlias(next, alias);
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
