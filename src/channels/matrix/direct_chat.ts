/**
 * The direct chat with a person: found, or made once.
 *
 * ```text
 * alone among the processes of this state directory:
 *   look:  what we wrote down -> m.direct -> our mark in the first events of rooms; who left is invited again
 *   make:  write down since when -> createRoom -> write down the room
 *   both:  m.direct
 * ```
 *
 * `createRoom` is not idempotent. So each room that we make says in its first event for whom it was made: a room whose answer was lost, or whose
 * maker was killed, is found again by that. The server may still be at it, so that nobody makes another one before it had the time to finish.
 *
 * @module
 */

import { NotTheServiceError, TooEarlyError, TransportError } from "../../base/errors.ts";
import { addDirectChat, findDirectRooms, readDirectChats, whoami } from "../../matrix/account.ts";
import { MatrixError } from "../../matrix/errors.ts";
import type { MatrixClient, RequestOptions } from "../../matrix/request.ts";
import { readMembership, readReplacement } from "../../matrix/room_state.ts";
import { createRoom, inviteUser } from "../../matrix/rooms.ts";
import { type JoinedRoom, syncRooms } from "../../matrix/sync.ts";
import type { RoomCache } from "../room_cache.ts";

/** Stands in the first event of a direct chat that we make: the user id of the other person. */
export const DIRECT_MARK = "dev.matrix-notify.direct";

/** How long after a try that may have made a room no other is made, milliseconds. */
export const MAKING_REST_MS = 35_000;

/** A direct chat. */
export interface DirectChat {
  readonly roomId: string;
  /** Our own user id: another account has other direct chats. */
  readonly owner: string;
}

/** Whose chat, and where making one is written down. */
export interface DirectChatOptions extends RequestOptions {
  readonly person: string;
  readonly memory: RoomCache;
}

/**
 * Finds the direct chat with a person, or makes it.
 *
 * @throws {TooEarlyError} when an earlier try may still make one
 * @throws whatever a request throws; M_FORBIDDEN when the person cannot be invited
 */
export async function openDirectChat(client: MatrixClient, options: DirectChatOptions): Promise<DirectChat> {
  const { person, memory, timeoutMs, signal } = options;
  return await memory.withLock(async () => {
    const { userId: owner } = await whoami(client, { timeoutMs, signal });
    const asked = { ...options, owner };
    const roomId = await findDirectChat(client, asked) ?? await make(client, asked);
    await addDirectChat(client, { person, roomId }, { userId: owner, timeoutMs, signal }).catch(() => {
      // Our other clients show it as a room like others then; here it is written down all the same.
      signal?.throwIfAborted();
    });
    return { roomId, owner };
  }, { timeoutMs, signal });
}

interface Asked extends DirectChatOptions {
  readonly owner: string;
}

interface Candidate {
  readonly roomId: string;
  /** Whether we made it for this person. */
  readonly isOurs: boolean;
}

/** One that the person left, or never heard of, gets an invite: another room would split what was said. */
async function findDirectChat(client: MatrixClient, asked: Asked): Promise<string | undefined> {
  const abandoned: Candidate[] = [];
  const seen = new Set<string>();
  for await (const candidate of candidates(client, asked)) {
    if (seen.has(candidate.roomId)) continue;
    seen.add(candidate.roomId);
    if (await membership(client, candidate.roomId, asked.owner, asked) !== "join") continue;
    const theirs = await membership(client, candidate.roomId, asked.person, asked);
    if (theirs === "join" || theirs === "invite") return candidate.roomId;
    if (theirs !== "ban") abandoned.push(candidate);
  }
  for (const { roomId, isOurs } of abandoned) {
    // Whoever left it for the room that it was replaced by is there.
    if (await readReplacement(client, { roomId, timeoutMs: asked.timeoutMs, signal: asked.signal })) return roomId;
    try {
      await inviteUser(client, roomId, { userId: asked.person, timeoutMs: asked.timeoutMs, signal: asked.signal });
      return roomId;
    } catch (error) {
      // In a room of our own it is the person who cannot be invited, and another room would change nothing.
      if (isOurs || !isRefusal(error)) throw error;
    }
  }
}

/** Rooms that may be it, the likeliest first. */
async function* candidates(client: MatrixClient, asked: Asked): AsyncGenerator<Candidate> {
  const { person, owner, memory, timeoutMs, signal } = asked;
  const made = memory.get(keyOf(asked));
  if (typeof made === "string") yield { roomId: made, isOurs: true };
  const chats = await readDirectChats(client, { userId: owner, timeoutMs, signal });
  const joined = await rooms(client, asked);
  const marked = joined.filter(({ creator, creation }) => creator === owner && creation[DIRECT_MARK] === person);
  const ours = new Set(marked.map(({ roomId }) => roomId));
  for (const roomId of findDirectRooms(chats, person).reverse()) yield { roomId, isOurs: ours.has(roomId) };
  for (const roomId of ours) yield { roomId, isOurs: true };
}

/** A server that does not tell which rooms there are is at fault, not the notification. */
async function rooms(client: MatrixClient, { person, timeoutMs, signal }: Asked): Promise<readonly JoinedRoom[]> {
  try {
    return (await syncRooms(client, { timeoutMs, signal })).joined;
  } catch (error) {
    if (!(error instanceof MatrixError) || !isRefusal(error)) throw error;
    throw new NotTheServiceError(`Cannot look for the direct chat with ${person}: ${error.message}`, error);
  }
}

async function make(client: MatrixClient, asked: Asked): Promise<string> {
  const { person, memory, timeoutMs, signal } = asked;
  const now = () => client.runtime.now();
  const since = memory.get(keyOf(asked));
  // A clock that jumped back says nothing about how long ago it was.
  if (typeof since === "number" && now() >= since && now() - since < MAKING_REST_MS) {
    throw new TooEarlyError(
      `An earlier try may still make the direct chat with ${person}; it is looked for first`,
      since + MAKING_REST_MS,
    );
  }
  await memory.remember(keyOf(asked), now());
  try {
    const roomId = await createRoom(client, {
      preset: "trusted_private_chat",
      isDirect: true,
      invite: [person],
      creationContent: { [DIRECT_MARK]: person },
      timeoutMs,
      signal,
    });
    await memory.remember(keyOf(asked), roomId);
    return roomId;
  } catch (error) {
    await memory.remember(keyOf(asked), madeNothing(error) ? undefined : now());
    throw error;
  }
}

function keyOf({ owner, person }: Asked): string {
  return `direct ${owner} ${person}`;
}

async function membership(client: MatrixClient, roomId: string, userId: string, { timeoutMs, signal }: RequestOptions) {
  try {
    return await readMembership(client, { roomId, userId, timeoutMs, signal });
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}

/** The server understood, and said no. */
function isRefusal(error: unknown): boolean {
  return error instanceof MatrixError && [400, 403, 404].includes(error.status);
}

/** No byte left us, or the server said no; what it may have made before it said so bears our mark. */
function madeNothing(error: unknown): boolean {
  if (error instanceof TransportError) return error.phase === "connect";
  return error instanceof MatrixError && error.status < 500;
}
