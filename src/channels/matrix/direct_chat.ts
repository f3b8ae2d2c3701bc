/**
 * Finds the direct chat with a person, or creates it.
 *
 * ```text
 * under the lock of the state directory:
 *   find:    cache -> m.direct -> rooms with our mark; invite the person again if they left
 *   create:  save the time -> createRoom -> save the room id
 *   then:    add the room to m.direct
 * ```
 *
 * `m.direct` is the list of the direct chats of an account. `createRoom` is not idempotent: if the
 * request is repeated, it creates a second room. So the first event of each new room contains the
 * user id of the person (our mark). If the answer is lost or the process is killed, the next
 * attempt finds the room by this mark. The server may still be creating the room, so matrix-notify
 * waits before it creates a second room.
 *
 * @module
 */

import { NotTheServiceError, TooEarlyError, TransportError } from "../../base/errors.ts";
import { addDirectChat, findDirectRooms, readDirectChats, whoami } from "../../matrix/account.ts";
import { MatrixError } from "../../matrix/errors.ts";
import { isRoomId } from "../../matrix/ids.ts";
import type { MatrixClient, RequestOptions } from "../../matrix/request.ts";
import { readMembership, readReplacement } from "../../matrix/room_state.ts";
import { createRoom, inviteUser } from "../../matrix/rooms.ts";
import { type JoinedRoom, syncRooms } from "../../matrix/sync.ts";
import type { RoomCache } from "../room_cache.ts";

/** A field in the first event of our direct chats. The value is the user id of the other person. */
export const DIRECT_MARK = "dev.matrix-notify.direct";

/**
 * How long matrix-notify waits before it repeats a request to create a room, in milliseconds. It
 * waits only if the outcome of the first request is unknown.
 */
export const MAKING_REST_MS = 35_000;

/**
 * The largest number of rooms that are checked, the newest rooms first. `m.direct` can list
 * thousands of rooms, and each room needs two requests.
 */
const MAX_CANDIDATES = 20;

/** A direct chat. */
export interface DirectChat {
  readonly roomId: string;
  /** The user id of our account. Every account has its own direct chats. */
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
 * @throws {TooEarlyError} if an earlier attempt may still create the chat
 * @throws {MatrixError} with M_FORBIDDEN if the person cannot be invited
 * @throws any other error of a request
 */
export async function openDirectChat(client: MatrixClient, options: DirectChatOptions): Promise<DirectChat> {
  const { person, memory, timeoutMs, signal } = options;
  return await memory.withLock(async () => {
    const { userId: owner } = await whoami(client, { timeoutMs, signal });
    const request = { ...options, owner };
    const roomId = await findDirectChat(client, request) ?? await create(client, request);
    await addDirectChat(client, { person, roomId }, { userId: owner, timeoutMs, signal }).catch(() => {
      // An error is ignored, because the cache already contains the chat. The only effect is that
      // Matrix clients show the chat as an ordinary room.
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
  /** True if our account created the room for this person. */
  readonly isOurs: boolean;
}

/**
 * Finds the direct chat. If the person left the chat or never joined it, invites the person again
 * instead of creating a second room.
 */
async function findDirectChat(client: MatrixClient, request: ChatRequest): Promise<string | undefined> {
  const abandoned: Candidate[] = [];
  const seen = new Set<string>();
  for await (const candidate of candidates(client, request)) {
    if (seen.has(candidate.roomId)) continue;
    if (seen.size === MAX_CANDIDATES) break;
    seen.add(candidate.roomId);
    if (await membership(client, candidate.roomId, request.owner, request) !== "join") continue;
    const theirs = await membership(client, candidate.roomId, request.person, request);
    if (theirs === "join" || theirs === "invite") return candidate.roomId;
    if (theirs !== "ban") abandoned.push(candidate);
  }
  for (const { roomId, isOurs } of abandoned) {
    // If the room was replaced, do not invite the person, who may already be in the new room.
    if (await readReplacement(client, { roomId, timeoutMs: request.timeoutMs, signal: request.signal })) return roomId;
    try {
      await inviteUser(client, roomId, {
        userId: request.person,
        timeoutMs: request.timeoutMs,
        signal: request.signal,
      });
      return roomId;
    } catch (error) {
      // The server refused the invite. If our account created this room, do not create another
      // room: the server would refuse that invite as well.
      if (isOurs || !isRefusal(error)) throw error;
    }
  }
}

/** Lists the rooms that may be the chat, the most likely room first. */
async function* candidates(client: MatrixClient, request: ChatRequest): AsyncGenerator<Candidate> {
  const { person, owner, memory, timeoutMs, signal } = request;
  const made = memory.get(keyOf(request));
  if (isRoomId(made)) yield { roomId: made, isOurs: true };
  const chats = await readDirectChats(client, { userId: owner, timeoutMs, signal });
  const joined = await rooms(client, request);
  const marked = joined.filter(({ creator, creation }) => creator === owner && creation[DIRECT_MARK] === person);
  const ours = new Set(marked.map(({ roomId }) => roomId));
  for (const roomId of findDirectRooms(chats, person).reverse()) yield { roomId, isOurs: ours.has(roomId) };
  for (const roomId of ours) yield { roomId, isOurs: true };
}

/**
 * Lists the rooms of the account. A refusal of this request is thrown as a NotTheServiceError,
 * because the notification did not cause the refusal.
 */
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
  // A saved time in the future means that the clock was set back. In this case, do not wait.
  if (typeof since === "number" && now() >= since && now() - since < MAKING_REST_MS) {
    throw new TooEarlyError(
      `An earlier request to create the direct chat with ${person} may have worked; matrix-notify looks for this chat before it creates a new one`,
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

/** Checks whether the server refused a request. */
function isRefusal(error: unknown): boolean {
  return error instanceof MatrixError && [400, 403, 404].includes(error.status);
}

/**
 * Checks whether an error means that no room was created: the request was not sent, or the server
 * refused the request.
 */
function createdNothing(error: unknown): boolean {
  if (error instanceof TransportError) return error.phase === "connect";
  return error instanceof MatrixError && error.status < 500;
}
