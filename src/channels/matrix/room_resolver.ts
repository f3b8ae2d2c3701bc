/**
 * Finds the room of a destination: a room id, an alias, or a user id for the direct chat with that
 * person. If the room was replaced, the new room is used.
 *
 * ```text
 * find:   a cached room that was checked recently -> use the cached room
 *         otherwise: find the room of the alias or person -> follow replacements -> cache
 * moved:  the room refused a message -> look for another room -> join it -> cache
 * ```
 *
 * If the room of a destination changes, queued notifications keep their order and their transaction
 * ids. The cache also keeps the former rooms of a destination, because an earlier attempt may have
 * sent a notification to a former room.
 *
 * @module
 */

import { NotSentError } from "../../base/errors.ts";
import { isObject } from "../../base/fields.ts";
import { MatrixError } from "../../matrix/errors.ts";
import { isRoomId, isUserId, parseRoom, parseServerName } from "../../matrix/ids.ts";
import type { MatrixClient, RequestOptions } from "../../matrix/request.ts";
import { readReplacement, type Replacement } from "../../matrix/room_state.ts";
import { joinRoom, resolveAlias } from "../../matrix/rooms.ts";
import { whoami } from "../../matrix/account.ts";
import { openDirectChat } from "./direct_chat.ts";
import { laneKey } from "../../queue/entry.ts";
import type { RoomCache } from "../room_cache.ts";

/**
 * The time between checks for a replacement, in milliseconds. The checks are necessary because an
 * account with a high power level can still send to a replaced room without an error.
 */
export const LOOK_EVERY_MS: number = 6 * 3_600_000;

/**
 * How long a replaced room stays in the cache, in milliseconds. This is longer than a notification
 * waits by default (14 days).
 */
const FORMER_MS: number = 30 * 86_400_000;

/**
 * The largest number of replacements to follow. If there are more replacements, the rooms probably
 * replace each other in a loop.
 */
const MAX_REPLACEMENTS = 20;

/** A room that a destination used earlier. */
export interface FormerRoom {
  readonly roomId: string;
  /** The time when the next room replaced this room, in milliseconds since 1970. */
  readonly until: number;
}

/** The room of a destination. */
export interface KnownRoom {
  readonly roomId: string;
  /** The time of the last check for a replacement, in milliseconds since 1970. */
  readonly seen: number;
  /** The former rooms of the destination, the oldest room first. */
  readonly former: readonly FormerRoom[];
  /** The user id of our account, if the room is a direct chat. */
  readonly owner?: string;
}

/**
 * How long a room is used before the cache file is read again, in milliseconds. So a long queue
 * of messages does not read the file for each message.
 */
const RECALL_EVERY_MS = 1000;

/**
 * The largest number of rooms that a table in memory contains. A sender can name any room. A full
 * table is emptied, because the cache file has the same values.
 */
export const MAX_RECALLED = 1000;

/** Finds the rooms of the destinations of one channel. */
export class RoomResolver {
  readonly #client: MatrixClient;
  readonly #channel: string;
  readonly #cache: RoomCache;
  /**
   * The rooms that were recently found in the cache, by destination. The value `at` is the time
   * when the room was found, in milliseconds since 1970.
   */
  readonly #recalled = new Map<string, { readonly known: KnownRoom; readonly at: number }>();

  constructor(client: MatrixClient, channel: string, cache: RoomCache) {
    this.#client = client;
    this.#channel = channel;
    this.#cache = cache;
  }

  /**
   * Finds the current and the former rooms of a destination.
   *
   * @throws any error of a request
   */
  async find(destination: string, options: RequestOptions): Promise<KnownRoom> {
    const now = this.#client.runtime.now();
    const isSince = (time: number, ms: number) => time <= now && now - time < ms;
    const recalled = this.#recalled.get(destination);
    if (recalled !== undefined && isSince(recalled.at, RECALL_EVERY_MS)) return recalled.known;
    const known = this.#recall(destination);
    if (known !== undefined && isSince(known.seen, LOOK_EVERY_MS)) {
      if (this.#recalled.size >= MAX_RECALLED) this.#recalled.clear();
      this.#recalled.set(destination, { known, at: now });
      return known;
    }
    if (known === undefined) return await this.#remember(destination, await this.#first(destination, options));
    try {
      return await this.#remember(destination, await this.#again(destination, known, options), known);
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error;
      // The check failed, so use the known room. If the known room was replaced, it usually refuses
      // the message.
      return await this.#remember(destination, known, known);
    }
  }

  /**
   * Finds and joins another room for a destination, after the known room refused a message.
   *
   * @returns undefined if there is no other room
   * @throws {NotSentError} if the search for another room failed
   * @throws {MatrixError} if the other room cannot be joined
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

  /**
   * Marks the cached room of a destination as old. The next call of {@linkcode find} then looks
   * for a new room. Call this method if the current room cannot be used.
   */
  async lookAgain(destination: string): Promise<void> {
    const known = this.#recall(destination);
    this.#recalled.delete(destination);
    if (known !== undefined) await this.#cache.remember(this.#key(destination), { ...known, seen: 0 });
  }

  async #first(destination: string, options: RequestOptions): Promise<Found> {
    const reference = parseRoom(destination);
    if (reference?.kind === "alias") {
      const roomId = await this.#resolveAlias(reference.alias, options);
      return { roomId: await this.#follow(roomId, options) };
    }
    if (reference?.kind !== "user") return { roomId: destination };
    const chat = await openDirectChat(this.#client, { ...options, person: reference.userId, memory: this.#cache });
    return { roomId: await this.#follow(chat.roomId, options), owner: chat.owner };
  }

  /**
   * Finds the current room of a destination whose earlier room is cached. The alias may now point
   * to another room, or the room may have been replaced.
   */
  async #again(destination: string, known: KnownRoom, options: RequestOptions): Promise<Found> {
    const isAlias = destination.startsWith("#");
    const roomId = isAlias ? await this.#resolveAlias(destination, options) : known.roomId;
    return { roomId: await this.#follow(roomId, options), owner: known.owner };
  }

  async #elsewhere(destination: string, from: Refused, options: RequestOptions): Promise<Found | undefined> {
    const replacement = await this.#ask(() => this.#replacement(from.roomId, options));
    if (replacement !== undefined) {
      await this.#enter(replacement, from.error, options);
      return { roomId: await this.#follow(replacement.roomId, options), owner: from.known?.owner };
    }
    if (destination.startsWith("#")) {
      const roomId = await this.#ask(() => this.#resolveAlias(destination, options));
      if (roomId === undefined || roomId === from.roomId) return undefined;
      // Join by the alias, not by the room id, because the server of the alias knows which servers
      // are in the room.
      await this.#enter({ roomId: destination, via: [] }, from.error, options);
      return { roomId: await this.#follow(roomId, options) };
    }
    if (!destination.startsWith("@")) return undefined;
    const owner = (await this.#ask(() => whoami(this.#client, options)))?.userId;
    // If the account is still the same, the person removed it from the direct chat. Then do not
    // create a new chat. If the channel now uses another account, create a new chat.
    if (owner === undefined || owner === from.known?.owner) return undefined;
    return await this.#ask(() => this.#first(destination, options));
  }

  /**
   * Resolves an alias. If the homeserver answers with a status 5xx, it usually cannot reach the
   * server of the alias. The failure class is then `destination-busy`, so only the notifications
   * for this room wait.
   */
  async #resolveAlias(alias: string, options: RequestOptions): Promise<string> {
    try {
      return await resolveAlias(this.#client, alias, options);
    } catch (error) {
      if (!(error instanceof MatrixError) || error.status < 500) throw error;
      const { message, status, errcode } = error;
      const hint = `check the alias; the homeserver cannot ask ${parseServerName(alias)} for it`;
      throw new MatrixError(message, { status, errcode, failureClass: "destination-busy", hint }, { cause: error });
    }
  }

  /** Follows replacements to the last room that the account can join. */
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

  /**
   * Reads the replacement of a room. Returns undefined if the room was not replaced, or if the
   * account is not in the room and cannot see its replacement.
   */
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
          `${refusal.message}; the next room is ${roomId}, which the account cannot join: ${error.message}`,
          { status: refusal.status, errcode: refusal.errcode },
          { cause: error },
        );
      }
    });
  }

  /**
   * Runs a request that looks for another room, after a room refused the message. Returns undefined
   * if the server answers with status 404. For any other error, throws a NotSentError (the message
   * was not delivered).
   */
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
    this.#recalled.delete(destination);
    await this.#cache.remember(this.#key(destination), known);
    return known;
  }

  #key(destination: string): string {
    return roomKey(this.#channel, destination);
  }
}

/** A room that was found. */
type Found = Pick<KnownRoom, "roomId" | "owner">;

/** A room that refused a message, and the error of the refusal. */
interface Refused {
  readonly known: KnownRoom | undefined;
  readonly roomId: string;
  readonly error: MatrixError;
}

/** Returns the cache key for a destination. */
export function roomKey(channel: string, destination: string): string {
  return `room ${laneKey({ channel, destination })}`;
}

/**
 * The largest expected difference between the clocks of this host and the homeserver, in
 * milliseconds.
 */
export const CLOCK_SKEW_MS = 10 * 60_000;

/** Parses a cached value; returns undefined if it is not valid. */
export function readKnownRoom(value: unknown): KnownRoom | undefined {
  if (!isObject(value)) return undefined;
  const { roomId, seen, former, owner } = value;
  if (!isRoomId(roomId) || typeof seen !== "number" || !Array.isArray(former)) return undefined;
  return { roomId, seen, former: former.filter(isFormerRoom), ...(isUserId(owner) ? { owner } : {}) };
}

/** Returns the former rooms that were in use at or after a given time. */
export function formerRoomsSince({ roomId, former }: KnownRoom, since: number): string[] {
  const rooms = former.filter(({ until }) => until >= since - CLOCK_SKEW_MS).map((room) => room.roomId);
  return [...new Set(rooms)].filter((room) => room !== roomId);
}

function isFormerRoom(value: unknown): value is FormerRoom {
  return isObject(value) && isRoomId(value.roomId) && typeof value.until === "number";
}
