/** Room events (Client-Server API, "Sending events to a room"). */

import { isObject } from "../base/fields.ts";
import { missingField } from "./errors.ts";
import type { MediaContent } from "./media.ts";
import { type MatrixClient, request } from "./request.ts";
import type { RoomOptions } from "./rooms.ts";

/** The content of an `m.room.message` event as we send it. */
export interface RoomMessageContent {
  /** `m.notice` makes no push and no sound. */
  readonly msgtype: "m.text" | "m.notice";
  readonly body: string;
  readonly format?: "org.matrix.custom.html";
  readonly formatted_body?: string;
  /** Always there, so that no client looks for names in the body. `room` is everybody in it. */
  readonly "m.mentions": { readonly user_ids?: readonly string[]; readonly room?: true };
  /** Our own id, by which an event is found again in a room. */
  readonly "dev.matrix-notify.id": string;
  /** How it stands to an earlier event. */
  readonly "m.relates_to"?: Relation;
  /** What takes the place of the content of the event that this one edits. */
  readonly "m.new_content"?: Omit<RoomMessageContent, "dev.matrix-notify.id">;
}

/** A rich reply, an event of a thread, or an edit. */
export interface Relation {
  readonly rel_type?: "m.thread" | "m.replace";
  readonly event_id?: string;
  readonly is_falling_back?: true;
  readonly "m.in_reply_to"?: { readonly event_id: string };
}

/** Where, as what, and how long to wait. */
export interface SendEventOptions {
  readonly roomId: string;
  /** Servers that have seen it answer with the event they made of it then. */
  readonly txnId: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/**
 * Sends a message event: `PUT /rooms/{roomId}/send/m.room.message/{txnId}`.
 *
 * @returns the event_id
 * @throws whatever {@linkcode request} throws
 */
export async function sendEvent(
  client: MatrixClient,
  content: RoomMessageContent | MediaContent,
  options: SendEventOptions,
): Promise<string> {
  const { roomId, txnId, timeoutMs, signal } = options;
  const answer = await request(client, {
    method: "PUT",
    path: ["rooms", roomId, "send", "m.room.message", txnId],
    body: { ...content },
    timeoutMs,
    signal,
  });
  // Event ids are at most 255 bytes (appendices, "Identifier grammar").
  if (typeof answer.event_id === "string" && /^\$\S{1,254}$/.test(answer.event_id)) return answer.event_id;
  throw missingField("event_id");
}

/** An event of a room. */
export interface RoomEvent {
  readonly type: string;
  readonly sender: string;
  readonly content: Readonly<Record<string, unknown>>;
}

/** Which event to read. */
export interface ReadEventOptions extends RoomOptions {
  readonly roomId: string;
  readonly eventId: string;
}

/**
 * Reads one event: `GET /rooms/{roomId}/event/{eventId}`.
 *
 * @throws whatever {@linkcode request} throws; M_NOT_FOUND when the room does not hold it, or not for us
 */
export async function readEvent(
  client: MatrixClient,
  { roomId, eventId, ...limits }: ReadEventOptions,
): Promise<RoomEvent> {
  const path = ["rooms", roomId, "event", eventId];
  const { type, sender, content } = await request(client, { method: "GET", path, ...limits });
  if (typeof type !== "string" || typeof sender !== "string" || !isObject(content)) throw missingField("content");
  return { type, sender, content };
}
