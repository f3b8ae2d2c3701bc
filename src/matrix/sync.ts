/**
 * One `GET /sync` (Client-Server API, "Syncing"), for the little that we want of it: which rooms there are, and who invites us. The filter keeps everything else
 * away, so that the answer stays small for an account with many rooms.
 *
 * @module
 */

import { missingField } from "./errors.ts";
import { type MatrixClient, request } from "./request.ts";
import type { RoomOptions } from "./rooms.ts";
import { type Invite, invitesIn, joinedIn, type JoinedRoom } from "./sync_rooms.ts";

/** What to ask. */
export interface SyncOptions extends RoomOptions {
  /** Where an earlier answer ended; then the server waits for news. */
  readonly since?: string;
  /** How long the server may wait for news, milliseconds. The whole request may take so much longer than `timeoutMs`. @default {0} */
  readonly waitMs?: number;
}

/** What there is, or what is new since then. */
export interface Synced {
  /** Where this answer ends. */
  readonly since: string;
  readonly joined: readonly JoinedRoom[];
  readonly invites: readonly Invite[];
}

/** The state events by which a room can be told from others. */
const WANTED = ["m.room.create", "m.room.name", "m.room.canonical_alias", "m.room.encryption", "m.room.tombstone"];

const NOTHING = { not_types: ["*"] };

/**
 * The state stands before the timeline, so that the newest of what is wanted may be in either. Synapse answers the same first question for two minutes with
 * the same answer, however much has happened since: so each question differs, in a type of presence that does not exist.
 */
function filterAt(now: number) {
  return {
    presence: { not_types: [...NOTHING.not_types, `at ${now}`] },
    account_data: NOTHING,
    room: {
      account_data: NOTHING,
      ephemeral: NOTHING,
      state: { types: WANTED },
      timeline: { limit: 1, types: WANTED },
    },
  };
}

/**
 * Asks for rooms and invites.
 *
 * @throws whatever {@linkcode request} throws
 */
export async function syncRooms(client: MatrixClient, options: SyncOptions): Promise<Synced> {
  const { since, waitMs = 0, timeoutMs, signal } = options;
  const answer = await request(client, {
    method: "GET",
    path: ["sync"],
    query: {
      filter: JSON.stringify(filterAt(client.runtime.now())),
      timeout: String(Math.round(waitMs)),
      set_presence: "offline",
      ...(since === undefined ? {} : { since }),
    },
    timeoutMs: timeoutMs + waitMs,
    signal,
  });
  if (typeof answer.next_batch !== "string") {
    throw missingField("next_batch");
  }
  return { since: answer.next_batch, joined: joinedIn(answer.rooms), invites: invitesIn(answer.rooms) };
}

/** How to wait for an invite. */
export interface InviteOptions extends RoomOptions {
  /** How long to wait in all, milliseconds. */
  readonly waitMs: number;
  /** The room whose invite is waited for. @default whichever comes */
  readonly roomId?: string;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** No proxy has patience for longer. */
const LONGEST_POLL_MS = 25_000;

/** A server that answers before its time must not be asked without a pause. */
const LEAST_PAUSE_MS = 500;

/**
 * Waits until somebody invites us; who has invited us already counts.
 *
 * @returns the invites; none when time is up
 * @throws whatever {@linkcode request} throws
 */
export async function waitForInvites(
  client: MatrixClient,
  options: InviteOptions,
): Promise<readonly Invite[]> {
  const { waitMs, roomId, sleep, ...rest } = options;
  const deadline = client.runtime.now() + waitMs;
  let since: string | undefined;
  for (;;) {
    const asked = client.runtime.now();
    const left = Math.max(0, deadline - asked);
    const pollMs = since === undefined ? 0 : Math.min(LONGEST_POLL_MS, left);
    const synced = await syncRooms(client, { ...rest, since, waitMs: pollMs });
    const invites = synced.invites.filter((invite) => roomId === undefined || invite.roomId === roomId);
    if (invites.length > 0 || client.runtime.now() >= deadline) return invites;
    if (since !== undefined && client.runtime.now() - asked < LEAST_PAUSE_MS) await sleep(LEAST_PAUSE_MS, rest.signal);
    since = synced.since;
  }
}
