/**
 * Sends an event to a room, reads an event, and finds an event that matrix-notify has sent
 * (Client-Server API, "Sending events to a room").
 */

import { NotTheServiceError } from "../base/errors.ts";
import { isObject } from "../base/fields.ts";
import { MatrixError, missingField } from "./errors.ts";
import { isEventId, isPosition, isUserId } from "./ids.ts";
import { type MatrixClient, MAX_LONG_ANSWER_BYTES, request, type RequestOptions } from "./request.ts";

/**
 * Additional fields in the content of an event, for programs that read the room. Clients do not
 * show these fields.
 */
export interface OwnFields {
  /** The id that matrix-notify gave the message. {@linkcode findEvent} searches for this id. */
  readonly "dev.matrix-notify.id": string;
  /** The ids of the notifications, if the message contains several notifications. */
  readonly "dev.matrix-notify.ids"?: readonly string[];
  readonly "dev.matrix-notify.severity": string;
  /** The sender, such as a script or a service. */
  readonly "dev.matrix-notify.origin"?: string;
  /** The key of the incident. */
  readonly "dev.matrix-notify.key"?: string;
}

/** The content of an `m.room.message` event. */
export interface RoomMessageContent extends OwnFields {
  /** The type of the message. `m.notice` does not cause a push notification or a sound. */
  readonly msgtype: "m.text" | "m.notice";
  readonly body: string;
  readonly format?: "org.matrix.custom.html";
  readonly formatted_body?: string;
  /**
   * The users to mention. With `room`, all members are mentioned. This field is always present.
   * Without this field, clients would search the body for names.
   */
  readonly "m.mentions": { readonly user_ids?: readonly string[]; readonly room?: true };
  readonly "m.relates_to"?: Relation;
  /** The new content of the edited message. Absent if this event is not an edit. */
  readonly "m.new_content"?: Omit<RoomMessageContent, "dev.matrix-notify.id" | "dev.matrix-notify.ids">;
}

/** The content of an `m.room.message` event that shows a file. */
export interface MediaContent extends OwnFields {
  readonly msgtype: "m.image" | "m.audio" | "m.video" | "m.file";
  /** Always equal to `filename`. Clients would show a different `body` as a caption. */
  readonly body: string;
  readonly filename: string;
  /** The `mxc://` URI of the file. */
  readonly url: string;
  readonly info: {
    readonly mimetype: string;
    readonly size: number;
    readonly w?: number;
    readonly h?: number;
  };
  /**
   * An empty object. This field is always present. Without this field, clients would search the
   * body for names.
   */
  readonly "m.mentions": Readonly<Record<string, unknown>>;
}

/** A relation to an earlier event: a reply, a message in a thread, or an edit. */
export interface Relation {
  readonly rel_type?: "m.thread" | "m.replace";
  readonly event_id?: string;
  readonly is_falling_back?: true;
  readonly "m.in_reply_to"?: { readonly event_id: string };
}

/** Options of {@linkcode sendEvent}. */
export interface SendEventOptions extends RequestOptions {
  readonly roomId: string;
  /**
   * The transaction id. The server creates only one event for each id. If the request is repeated,
   * the server returns the id of the existing event.
   */
  readonly txnId: string;
}

/**
 * Sends a message event: `PUT /rooms/{roomId}/send/m.room.message/{txnId}`.
 *
 * @returns the event_id
 * @throws the errors of {@linkcode request}
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
    body: content,
    timeoutMs,
    signal,
  });
  if (isEventId(answer.event_id)) return answer.event_id;
  throw missingField("event_id");
}

/** An event of a room. */
export interface RoomEvent {
  readonly type: string;
  readonly sender: string;
  readonly content: Readonly<Record<string, unknown>>;
}

/** Options of {@linkcode readEvent}. */
export interface ReadEventOptions extends RequestOptions {
  readonly roomId: string;
  readonly eventId: string;
}

/**
 * Reads one event: `GET /rooms/{roomId}/event/{eventId}`.
 *
 * @throws the errors of {@linkcode request}; M_NOT_FOUND if the event does not exist, or we may not
 * read it
 */
export async function readEvent(
  client: MatrixClient,
  { roomId, eventId, ...options }: ReadEventOptions,
): Promise<RoomEvent> {
  const path = ["rooms", roomId, "event", eventId];
  const { type, sender, content } = await request(client, { method: "GET", path, ...options });
  if (typeof type !== "string" || !isUserId(sender) || !isObject(content)) throw missingField("content");
  return { type, sender, content };
}

/** Options of {@linkcode findEvent}. */
export interface FindEventOptions extends RequestOptions {
  readonly roomId: string;
  /**
   * The id of the message, or of a notification in the message. matrix-notify has written this id
   * into the content of the event.
   */
  readonly id: string;
  /**
   * The earliest time of the events to search, in milliseconds since 1970 by the server's clock.
   */
  readonly since: number;
}

/** The number of events in one answer. Dendrite does not return more events at once. */
const PAGE_EVENTS = "100";

/** The maximum number of pages to read. A server could return pages without end. */
export const MAX_PAGES = 50;

/**
 * The result of {@linkcode findEvent}. `isComplete` is present if the event was not found. It
 * is true if the search reached the time `since` or the last page. It is false if the search ended
 * after {@linkcode MAX_PAGES} pages.
 */
export type FoundEvent = { readonly eventId: string } | { readonly isComplete: boolean };

/**
 * Finds an event that we sent: `GET /rooms/{roomId}/messages?dir=b`. The search starts with the
 * newest event. It ends at the last page, at a page with an event older than `since`, or after
 * {@linkcode MAX_PAGES} pages.
 *
 * The request does not use a filter, because Dendrite applies a filter only after it has selected
 * the events of a page. With a filter, Dendrite would report the end of the list too early.
 *
 * @throws the errors of {@linkcode request}; M_FORBIDDEN if we may not read the room
 */
export async function findEvent(client: MatrixClient, options: FindEventOptions): Promise<FoundEvent> {
  const { roomId, id, since, timeoutMs, signal } = options;
  let from: string | undefined;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const query = { dir: "b", limit: PAGE_EVENTS, ...(from === undefined ? {} : { from }) };
    const page = await request(client, {
      method: "GET",
      path: ["rooms", roomId, "messages"],
      query,
      maxAnswerBytes: MAX_LONG_ANSWER_BYTES,
      timeoutMs,
      signal,
    });
    const events = (Array.isArray(page.chunk) ? page.chunk : []).filter(isTimelineEvent);
    const found = events.find(({ content }) => hasId(content, id));
    if (found) return { eventId: found.event_id };
    const { end } = page;
    if (end === undefined || end === from || events.some((event) => event.origin_server_ts < since)) {
      return { isComplete: true };
    }
    if (!isPosition(end)) throw missingField("end");
    from = end;
  }
  return { isComplete: false };
}

function hasId(content: TimelineEvent["content"], id: string): boolean {
  const ids = content["dev.matrix-notify.ids"];
  return content["dev.matrix-notify.id"] === id || Array.isArray(ids) && ids.includes(id);
}

interface TimelineEvent {
  readonly event_id: string;
  readonly origin_server_ts: number;
  readonly content: Readonly<Record<string, unknown>>;
}

function isTimelineEvent(value: unknown): value is TimelineEvent {
  return isObject(value) && isEventId(value.event_id) && typeof value.origin_server_ts === "number" &&
    isObject(value.content);
}

/** A file to upload. */
export interface Upload {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The media type. */
  readonly type: string;
  /** The file name. */
  readonly name: string;
}

/**
 * Uploads a file: `POST /_matrix/media/v3/upload`. The request does not have a transaction id, so a
 * repeated upload creates a second copy.
 *
 * @returns the `mxc://` URI
 * @throws the errors of {@linkcode request}
 */
export async function uploadMedia(client: MatrixClient, upload: Upload, options: RequestOptions): Promise<string> {
  const { bytes, type, name } = upload;
  const answer = await request(client, {
    ...options,
    method: "POST",
    api: "/_matrix/media/v3",
    path: ["upload"],
    query: { filename: name },
    file: { bytes, type },
  });
  const uri = answer.content_uri;
  if (typeof uri === "string" && /^mxc:\/\/[A-Za-z0-9.:[\]-]{1,255}\/[-\w]{1,255}$/.test(uri)) return uri;
  throw missingField("content_uri");
}

/**
 * Asks the server for the maximum size of an upload, in bytes: `GET
 * /_matrix/client/v1/media/config`, or the older path of this endpoint.
 *
 * @returns undefined if the server does not report a maximum
 * @throws the errors of {@linkcode request}, except the errors of a missing endpoint
 */
export async function maxUploadBytes(client: MatrixClient, options: RequestOptions): Promise<number | undefined> {
  for (const api of ["/_matrix/client/v1/media", "/_matrix/media/v3"]) {
    try {
      const size = (await request(client, { ...options, method: "GET", api, path: ["config"] }))["m.upload.size"];
      return Number.isSafeInteger(size) && Number(size) > 0 ? Number(size) : undefined;
    } catch (error) {
      // Servers older than version 1.11 of the specification have only the older path. Some proxies
      // do not forward requests for the newer path.
      const { status } = error instanceof MatrixError || error instanceof NotTheServiceError ? error : { status: 0 };
      if (![403, 404, 405].includes(status)) throw error;
    }
  }
}
