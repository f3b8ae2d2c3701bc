/**
 * Which room a destination means. A room id means itself, an alias the room that it points at, `@user:server` the direct chat with that person; and each of them
 * the room that this one was replaced by, as often as rooms are replaced.
 *
 * ```text
 * find:  remembered and looked at lately -> that room; else ask (alias, direct chat), follow its tombstones, remember
 * moved: a room refused us -> its tombstone, the alias, the direct chat: another room? join it, remember
 * ```
 *
 * The lane and the txnId stay with the destination, whatever its room is called. The rooms that it had before are remembered for as long as a notification may
 * wait, so that a doubtful try is looked for where it was made.
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

/** How long a room is used unseen, milliseconds: whoever has power in a room that was replaced is not refused there. */
export const LOOK_EVERY_MS: number = 6 * 3_600_000;

/** How long a former room is of interest, milliseconds: a notification waits 14 days by default. */
const FORMER_MS: number = 30 * 86_400_000;

/** Nobody replaces a room so often in earnest. */
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
  /** When it was looked at, milliseconds since 1970. */
  readonly seen: number;
  /** The oldest first. */
  readonly former: readonly FormerRoom[];
  /** Whose direct chat it is: our own user id. */
  readonly owner?: string;
}

/** Finds the rooms of one channel's destinations. */
export class RoomResolver {
  readonly #client: MatrixClient;
  readonly #channel: string;
  readonly #memory: RoomCache;

  constructor(client: MatrixClient, channel: string, memory: RoomCache) {
    this.#client = client;
    this.#channel = channel;
    this.#memory = memory;
  }

  /**
   * The room of a destination now, and those that it had before.
   *
   * @throws whatever a request throws
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
      // What the server does not tell is no reason not to send: the room itself says whether it takes something.
      return await this.#remember(destination, known, known);
    }
  }

  /**
   * Where a destination is to be found when its room refused us; we are in that room then.
   *
   * @returns undefined when nobody knows of another room
   * @throws {NotSentError} when that cannot be told now
   * @throws {MatrixError} the refusal, with what stands in the way of following
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
    const chat = await openDirectChat(this.#client, { ...options, person: reference.userId, memory: this.#memory });
    return { roomId: await this.#follow(chat.roomId, options), owner: chat.owner };
  }

  /** An alias may point elsewhere by now; whatever points at a room that was replaced means its successor. */
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
      // By the alias, whose server knows who is in the room.
      await this.#enter({ roomId: destination, via: [] }, from.error, options);
      return { roomId: await this.#follow(roomId, options) };
    }
    if (!destination.startsWith("@")) return undefined;
    const owner = (await this.#ask(() => whoami(this.#client, options)))?.userId;
    // Who threw us out of the chat does not want another one; but a new account needs one of its own.
    if (owner === undefined || owner === from.known?.owner) return undefined;
    return await this.#ask(() => this.#first(destination, options));
  }

  /** Follows tombstones as far as we are let in. */
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

  /** Whoever is not in a room does not see whether it was replaced. */
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

  /** The room refused for certain, so that whatever fails now delivered nothing. */
  async #ask<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof MatrixError && error.status === 404) return undefined;
      throw new NotSentError(error);
    }
  }

  #recall(destination: string): KnownRoom | undefined {
    return readKnownRoom(this.#memory.get(this.#key(destination)));
  }

  async #remember(destination: string, { roomId, owner }: Found, before?: KnownRoom): Promise<KnownRoom> {
    const now = this.#client.runtime.now();
    const left: FormerRoom[] = before === undefined || before.roomId === roomId
      ? []
      : [{ roomId: before.roomId, until: now }];
    const former = [...before?.former ?? [], ...left].filter(({ until }) => now - until < FORMER_MS);
    const known: KnownRoom = { roomId, seen: now, former, ...(owner === undefined ? {} : { owner }) };
    await this.#memory.remember(this.#key(destination), known);
    return known;
  }

  #key(destination: string): string {
    return roomKey(this.#channel, destination);
  }
}

/** A room as it was found. */
type Found = Pick<KnownRoom, "roomId" | "owner">;

/** A room that refused us, and what it said. */
interface Refused {
  readonly known: KnownRoom | undefined;
  readonly roomId: string;
  readonly error: MatrixError;
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
