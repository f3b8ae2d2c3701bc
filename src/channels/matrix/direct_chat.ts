/**
 * The direct chat with a person: found, or created once.
 *
 * ```text
 * under the lock of the state directory:
 *   find:    our cache -> m.direct -> our mark in the first event of a room; invite again who left
 *   create:  note the time -> createRoom -> note the room
 *   then:    add it to m.direct
 * ```
 *
 * `createRoom` is not idempotent. So the first event of each room contains the user id of the
 * person: if the answer is lost or the process is killed, the room is found by it. The server may
 * still be creating the room, so a second one is not created before it had time to finish.
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

/** The key in the first event of our direct chats: the user id of the other person. */
export const DIRECT_MARK = "dev.matrix-notify.direct";

/** How long after an in-doubt try no second room is created, milliseconds. */
export const MAKING_REST_MS = 35_000;

/** A direct chat. */
export interface DirectChat {
  readonly roomId: string;
  /** Our own user id: another account has other direct chats. */
  readonly owner: string;
}

/** The person, and the cache for the room. */
export interface DirectChatOptions extends RequestOptions {
  readonly person: string;
  readonly memory: RoomCache;
}

/**
 * Finds the direct chat with a person, or creates it.
 *
 * @throws {TooEarlyError} if an earlier try may still create one
 * @throws {MatrixError} with M_FORBIDDEN if the person cannot be invited; what else a request
 * throws
 */
export async function openDirectChat(client: MatrixClient, options: DirectChatOptions): Promise<DirectChat> {
  const { person, memory, timeoutMs, signal } = options;
  return await memory.withLock(async () => {
    const { userId: owner } = await whoami(client, { timeoutMs, signal });
    const request = { ...options, owner };
    const roomId = await findDirectChat(client, request) ?? await create(client, request);
    await addDirectChat(client, { person, roomId }, { userId: owner, timeoutMs, signal }).catch(() => {
      // Other clients then show it as an ordinary room. The cache has it anyway.
      signal?.throwIfAborted();
    });
    return { roomId, owner };
  }, { timeoutMs, signal });
}

interface ChatRequest extends DirectChatOptions {
  readonly owner: string;
}

interface Candidate {
  readonly roomId: string;
  /** Whether we created it for this person. */
  readonly isOurs: boolean;
}

/**
 * A person who left the chat, or never joined, is invited again: a second room would split the
 * history.
 */
async function findDirectChat(client: MatrixClient, request: ChatRequest): Promise<string | undefined> {
  const abandoned: Candidate[] = [];
  const seen = new Set<string>();
  for await (const candidate of candidates(client, request)) {
    if (seen.has(candidate.roomId)) continue;
    seen.add(candidate.roomId);
    if (await membership(client, candidate.roomId, request.owner, request) !== "join") continue;
    const theirs = await membership(client, candidate.roomId, request.person, request);
    if (theirs === "join" || theirs === "invite") return candidate.roomId;
    if (theirs !== "ban") abandoned.push(candidate);
  }
  for (const { roomId, isOurs } of abandoned) {
    // The person may have left for the room that replaced it.
    if (await readReplacement(client, { roomId, timeoutMs: request.timeoutMs, signal: request.signal })) return roomId;
    try {
      await inviteUser(client, roomId, {
        userId: request.person,
        timeoutMs: request.timeoutMs,
        signal: request.signal,
      });
      return roomId;
    } catch (error) {
      // In our own room the person cannot be invited at all, so another room would not help.
      if (isOurs || !isRefusal(error)) throw error;
    }
  }
}

/** Rooms that may be the chat, the likeliest first. */
async function* candidates(client: MatrixClient, request: ChatRequest): AsyncGenerator<Candidate> {
  const { person, owner, memory, timeoutMs, signal } = request;
  const made = memory.get(keyOf(request));
  if (typeof made === "string") yield { roomId: made, isOurs: true };
  const chats = await readDirectChats(client, { userId: owner, timeoutMs, signal });
  const joined = await rooms(client, request);
  const marked = joined.filter(({ creator, creation }) => creator === owner && creation[DIRECT_MARK] === person);
  const ours = new Set(marked.map(({ roomId }) => roomId));
  for (const roomId of findDirectRooms(chats, person).reverse()) yield { roomId, isOurs: ours.has(roomId) };
  for (const roomId of ours) yield { roomId, isOurs: true };
}

/** If the server does not list the rooms, it is at fault, and not the notification. */
async function rooms(client: MatrixClient, { person, timeoutMs, signal }: ChatRequest): Promise<readonly JoinedRoom[]> {
  try {
    return (await syncRooms(client, { timeoutMs, signal })).joined;
  } catch (error) {
    if (!(error instanceof MatrixError) || !isRefusal(error)) throw error;
    throw new NotTheServiceError(`Cannot look for the direct chat with ${person}: ${error.message}`, error);
  }
}

async function create(client: MatrixClient, request: ChatRequest): Promise<string> {
  const { person, memory, timeoutMs, signal } = request;
  const now = () => client.runtime.now();
  const since = memory.get(keyOf(request));
  // After a clock that jumped back, the time since the try is unknown.
  if (typeof since === "number" && now() >= since && now() - since < MAKING_REST_MS) {
    throw new TooEarlyError(
      `An earlier try may still make the direct chat with ${person}; it is looked for first`,
      since + MAKING_REST_MS,
    );
  }
  await memory.remember(keyOf(request), now());
  try {
    const roomId = await createRoom(client, {
      preset: "trusted_private_chat",
      isDirect: true,
      invite: [person],
      creationContent: { [DIRECT_MARK]: person },
      timeoutMs,
      signal,
    });
    await memory.remember(keyOf(request), roomId);
    return roomId;
  } catch (error) {
    await memory.remember(keyOf(request), createdNothing(error) ? undefined : now());
    throw error;
  }
}

function keyOf({ owner, person }: ChatRequest): string {
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

/** The server refused. */
function isRefusal(error: unknown): boolean {
  return error instanceof MatrixError && [400, 403, 404].includes(error.status);
}

/** No request was sent, or the server refused. A room that it created before has our mark. */
function createdNothing(error: unknown): boolean {
  if (error instanceof TransportError) return error.phase === "connect";
  return error instanceof MatrixError && error.status < 500;
}
