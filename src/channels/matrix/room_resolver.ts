/**
 * Finds the room of a destination. A room id is that room, an alias the room that it points to, a
 * user id the direct chat with that person. A room that was replaced leads to its replacement.
 *
 * ```text
 * find:   cached and checked lately -> that room
 *         else resolve (alias, direct chat) -> follow tombstones -> cache
 * moved:  a room refused us -> tombstone, alias, direct chat -> another room? join it -> cache
 * ```
 *
 * The lane and the transaction id belong to the destination, not to its room. Former rooms stay in
 * the cache for as long as a notification may wait, so that an in-doubt try is looked for where it
 * went.
 *
 * @module
 */

import { NotSentError } from "../../base/errors.ts";
import { isObject } from "../../base/fields.ts";
import { MatrixError } from "../../matrix/errors.ts";
import { parseRoom } from "../../matrix/ids.ts";
import type { MatrixClient, RequestOptions } from "../../matrix/request.ts";
import { readReplacement, type Replacement } from "../../matrix/room_state.ts";
import { joinRoom, resolveAlias } from "../../matrix/rooms.ts";
import { whoami } from "../../matrix/account.ts";
import { openDirectChat } from "./direct_chat.ts";
import { laneKey } from "../../queue/entry.ts";
import type { RoomCache } from "../room_cache.ts";

/**
 * How long a room is used without a check, milliseconds. An account with power is not refused in a
 * room that was replaced.
 */
export const LOOK_EVERY_MS: number = 6 * 3_600_000;

/** How long a former room is cached, milliseconds. A notification waits 14 days by default. */
const FORMER_MS: number = 30 * 86_400_000;

/** More replacements are a loop. */
const MAX_REPLACEMENTS = 20;

/** A room that a destination had before. */
export interface FormerRoom {
  readonly roomId: string;
  /** When it was left, milliseconds since 1970. */
  readonly until: number;
}

/** The room of a destination. */
export interface KnownRoom {
  readonly roomId: string;
  /** When it was checked, milliseconds since 1970. */
  readonly seen: number;
  /** The oldest first. */
  readonly former: readonly FormerRoom[];
  /** Whose direct chat it is: our own user id. */
  readonly owner?: string;
}

/** Finds the rooms of the destinations of one channel. */
export class RoomResolver {
  readonly #client: MatrixClient;
  readonly #channel: string;
  readonly #cache: RoomCache;

  constructor(client: MatrixClient, channel: string, cache: RoomCache) {
    this.#client = client;
    this.#channel = channel;
    this.#cache = cache;
  }

  /**
   * Finds the current and the former rooms of a destination.
   *
   * @throws what a request throws
   */
  async find(destination: string, options: RequestOptions): Promise<KnownRoom> {
    const known = this.#recall(destination);
    const now = this.#client.runtime.now();
    if (known !== undefined && known.seen <= now && now - known.seen < LOOK_EVERY_MS) return known;
    if (known === undefined) return await this.#remember(destination, await this.#first(destination, options));
    try {
      return await this.#remember(destination, await this.#again(destination, known, options), known);
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error;
      // Without an answer, send to the known room: it refuses if it has moved.
      return await this.#remember(destination, known, known);
    }
  }

  /**
   * Finds and joins the room of a destination whose known room refused us.
   *
   * @returns undefined if there is no other room
   * @throws {NotSentError} if that cannot be found out now
   * @throws {MatrixError} the refusal, with the reason why the other room cannot be joined
   */
  async moved(
    destination: string,
    refused: { readonly roomId: string; readonly error: MatrixError },
    options: RequestOptions,
  ): Promise<KnownRoom | undefined> {
    const known = this.#recall(destination);
    const next = await this.#elsewhere(destination, { known, ...refused }, options);
    const gone = [refused.roomId, ...known?.former.map(({ roomId }) => roomId) ?? []];
    if (next === undefined || gone.includes(next.roomId)) return undefined;
    return await this.#remember(destination, next, known ?? { roomId: refused.roomId, seen: 0, former: [] });
  }

  async #first(destination: string, options: RequestOptions): Promise<Found> {
    const reference = parseRoom(destination);
    if (reference?.kind === "alias") {
      const roomId = await resolveAlias(this.#client, reference.alias, options);
      return { roomId: await this.#follow(roomId, options) };
    }
    if (reference?.kind !== "user") return { roomId: destination };
    const chat = await openDirectChat(this.#client, { ...options, person: reference.userId, memory: this.#cache });
    return { roomId: await this.#follow(chat.roomId, options), owner: chat.owner };
  }

  /** An alias may point to another room by now, and the room may have been replaced. */
  async #again(destination: string, known: KnownRoom, options: RequestOptions): Promise<Found> {
    const isAlias = destination.startsWith("#");
    const roomId = isAlias ? await resolveAlias(this.#client, destination, options) : known.roomId;
    return { roomId: await this.#follow(roomId, options), owner: known.owner };
  }

  async #elsewhere(destination: string, from: Refused, options: RequestOptions): Promise<Found | undefined> {
    const replacement = await this.#ask(() => this.#replacement(from.roomId, options));
    if (replacement !== undefined) {
      await this.#enter(replacement, from.error, options);
      return { roomId: await this.#follow(replacement.roomId, options), owner: from.known?.owner };
    }
    if (destination.startsWith("#")) {
      const roomId = await this.#ask(() => resolveAlias(this.#client, destination, options));
      if (roomId === undefined || roomId === from.roomId) return undefined;
      // Join by the alias: its server knows the members.
      await this.#enter({ roomId: destination, via: [] }, from.error, options);
      return { roomId: await this.#follow(roomId, options) };
    }
    if (!destination.startsWith("@")) return undefined;
    const owner = (await this.#ask(() => whoami(this.#client, options)))?.userId;
    // A person who removed us from the chat gets no new one. A new account needs a chat of its own.
    if (owner === undefined || owner === from.known?.owner) return undefined;
    return await this.#ask(() => this.#first(destination, options));
  }

  /** Follows tombstones to the last room that we can join. */
  async #follow(roomId: string, options: RequestOptions): Promise<string> {
    let current = roomId;
    for (const seen = new Set([current]); seen.size <= MAX_REPLACEMENTS; seen.add(current)) {
      const next = await this.#replacement(current, options);
      if (next === undefined || seen.has(next.roomId)) return current;
      try {
        await joinRoom(this.#client, next.roomId, { via: next.via, ...options });
      } catch (error) {
        if (error instanceof MatrixError && error.status < 429) return current;
        throw error;
      }
      current = next.roomId;
    }
    return current;
  }

  /** An account that is not in the room cannot see its tombstone. */
  async #replacement(roomId: string, options: RequestOptions): Promise<Replacement | undefined> {
    try {
      return await readReplacement(this.#client, { roomId, ...options });
    } catch (error) {
      if (error instanceof MatrixError && (error.status === 403 || error.status === 404)) return undefined;
      throw error;
    }
  }

  async #enter({ roomId, via }: Replacement, refusal: MatrixError, options: RequestOptions): Promise<void> {
    await this.#ask(async () => {
      try {
        await joinRoom(this.#client, roomId, { via, ...options });
      } catch (error) {
        if (!(error instanceof MatrixError) || ![400, 403, 404].includes(error.status)) throw error;
        throw new MatrixError(
          `${refusal.message}; it went on in ${roomId}, which does not let us in: ${error.message}`,
          { status: refusal.status, errcode: refusal.errcode },
          { cause: error },
        );
      }
    });
  }

  /** The room has refused, so nothing was delivered, even if a request fails now. */
  async #ask<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof MatrixError && error.status === 404) return undefined;
      throw new NotSentError(error);
    }
  }

  #recall(destination: string): KnownRoom | undefined {
    return readKnownRoom(this.#cache.get(this.#key(destination)));
  }

  async #remember(destination: string, { roomId, owner }: Found, before?: KnownRoom): Promise<KnownRoom> {
    const now = this.#client.runtime.now();
    const left: FormerRoom[] = before === undefined || before.roomId === roomId
      ? []
      : [{ roomId: before.roomId, until: now }];
    const former = [...before?.former ?? [], ...left].filter(({ until }) => now - until < FORMER_MS);
    const known: KnownRoom = { roomId, seen: now, former, ...(owner === undefined ? {} : { owner }) };
    await this.#cache.remember(this.#key(destination), known);
    return known;
  }

  #key(destination: string): string {
    return roomKey(this.#channel, destination);
  }
}

/** A room that was found. */
type Found = Pick<KnownRoom, "roomId" | "owner">;

/** A room that refused us, with its answer. */
interface Refused {
  readonly known: KnownRoom | undefined;
  readonly roomId: string;
  readonly error: MatrixError;
}

/** The key of a destination in the cache. */
export function roomKey(channel: string, destination: string): string {
  return `room ${laneKey({ channel, destination })}`;
}

/** How far the clocks of this host and of the homeserver may differ. */
export const CLOCK_SKEW_MS = 10 * 60_000;

/** Validates a cached value; undefined if it is something else. */
export function readKnownRoom(value: unknown): KnownRoom | undefined {
  if (!isObject(value)) return undefined;
  const { roomId, seen, former, owner } = value;
  if (!isRoomId(roomId) || typeof seen !== "number" || !Array.isArray(former)) return undefined;
  return { roomId, seen, former: former.filter(isFormerRoom), ...(typeof owner === "string" ? { owner } : {}) };
}

/** The former rooms that a message sent since then may have gone to. */
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
