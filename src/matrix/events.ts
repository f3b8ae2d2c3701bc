/** Room events (Client-Server API, "Sending events to a room"). */

import { lacking } from "./errors.ts";
import { type MatrixClient, request } from "./request.ts";

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
  content: RoomMessageContent,
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
  throw lacking("event_id");
}
