/**
 * Relations between the messages of an incident: each later message refers to the first message.
 *
 * ```text
 * reply    fire <- fire again, <- resolve       each later message replies to "fire"
 * thread   fire [ fire again, resolve ]         each later message is in the thread of "fire"
 * edit     fire <- fire again; fire = resolve   "resolve" replaces "fire", without a push;
 *                                               "fire again" is a reply, which causes a push
 * ```
 *
 * An event can refer only to an event in its own room. If the first event is in another room or is
 * deleted, the message has no relation. Only events of our own account can be edited.
 *
 * @module
 */

import { formatTime } from "../../base/time.ts";
import type { Incident } from "../../queue/incidents.ts";
import { MatrixError } from "../../matrix/errors.ts";
import {
  readEvent,
  type ReadEventOptions,
  type Relation,
  type RoomEvent,
  type RoomMessageContent,
} from "../../matrix/events.ts";
import type { MatrixClient } from "../../matrix/request.ts";
import { whoami } from "../../matrix/account.ts";
import type { Notification } from "../../notification/notification.ts";
import { contentOf, type ContentOptions, MAX_CONTENT_BYTES } from "./content.ts";
import { formerRoomsSince, type KnownRoom } from "./room_resolver.ts";
import type { MatrixSettings } from "./settings.ts";

type RelatedPolicy = MatrixSettings["related"];

/**
 * An edit (an event that changes an earlier message) contains the new content twice. This constant
 * is the space for the other parts of an edit, in bytes: keys, an event id and asterisks.
 */
const EDIT_BYTES = 1024;

/** The space for the note about the relation, in bytes. */
const RELATION_BYTES = 1024;

/**
 * Returns the largest size of a message, in bytes of JSON. A message of this size also fits into an
 * event with a relation.
 */
export function maxBytesWithRelation({ key, resolves }: Notification, policy: RelatedPolicy): number {
  if (key === undefined || policy === "none") return MAX_CONTENT_BYTES;
  const whole = policy === "edit" && resolves ? (MAX_CONTENT_BYTES - EDIT_BYTES) / 2 : MAX_CONTENT_BYTES;
  return whole - RELATION_BYTES;
}

/** Options for finding the relation. */
export interface RelatedOptions {
  readonly policy: RelatedPolicy;
  readonly incident: Incident | undefined;
  /** The room that the message is sent to. */
  readonly room: KnownRoom;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** The relation of an event to the first event of its incident. */
export interface Related {
  readonly to: Incident;
  readonly how: Exclude<RelatedPolicy, "none">;
}

/**
 * Finds the relation of a message to the first message of its incident. Returns undefined if the
 * message must not have a relation.
 *
 * @throws any error of a request that checks whether the first message can be edited
 */
export async function relatedTo(
  client: MatrixClient,
  { resolves }: Notification,
  { policy, incident, room, timeoutMs, signal }: RelatedOptions,
): Promise<Related | undefined> {
  if (policy === "none" || !incident?.receipt.startsWith("$")) return undefined;
  // The destination got a new room during the incident, so the first message is probably in a
  // former room.
  if (formerRoomsSince(room, incident.since).length > 0) return undefined;
  if (policy !== "edit") return { to: incident, how: policy };
  if (!resolves || incident.isShared) return { to: incident, how: "reply" };
  const limits = { timeoutMs, signal };
  const first = await find(client, { roomId: room.roomId, eventId: incident.receipt, ...limits });
  if (first === undefined) return undefined;
  const isOwn = first.sender === (await whoami(client, limits)).userId;
  return { to: incident, how: isOwn && isMessage(first) ? "edit" : "reply" };
}

async function find(client: MatrixClient, where: ReadEventOptions): Promise<RoomEvent | undefined> {
  try {
    return await readEvent(client, where);
  } catch (error) {
    if (error instanceof MatrixError && (error.status === 403 || error.status === 404)) return undefined;
    throw error;
  }
}

/**
 * Checks whether an event is a message that is not redacted (deleted). A redacted message has no
 * content.
 */
function isMessage({ type, content }: RoomEvent): boolean {
  return type === "m.room.message" && typeof content.msgtype === "string";
}

/** Creates the content of a message with a relation. */
export async function relatedContent(
  notification: Notification,
  { to, how }: Related,
  options: ContentOptions,
): Promise<RoomMessageContent> {
  const since = `since ${formatTime(to.since)}`;
  if (how !== "edit") {
    const notes = notification.resolves ? [] : [`↻ ${to.count + 1} times ${since}`];
    return { ...await contentOf(notification, { ...options, notes }), "m.relates_to": relation(to.receipt, how) };
  }
  const maxBytes = (options.maxBytes - EDIT_BYTES) / 2;
  const content = await contentOf(notification, { ...options, notes: [`↩ Before: ${to.title}, ${since}`], maxBytes });
  // A server may show the first message with the new content. If the new content contained our
  // transaction id, a search for the id could find the first message instead of the edit.
  const { "dev.matrix-notify.id": _, ...fresh } = content;
  const { body, formatted_body } = content;
  return {
    ...content,
    body: `* ${body}`,
    ...(formatted_body === undefined ? {} : { formatted_body: `* ${formatted_body}` }),
    "m.new_content": fresh,
    "m.relates_to": { rel_type: "m.replace", event_id: to.receipt },
  };
}

/**
 * Returns the relation (Client-Server API, "Rich replies" and "Threading"). A client without
 * support for threads shows a message of a thread as a reply.
 */
function relation(eventId: string, how: "reply" | "thread"): Relation {
  const reply = { "m.in_reply_to": { event_id: eventId } };
  return how === "reply" ? reply : { rel_type: "m.thread", event_id: eventId, is_falling_back: true, ...reply };
}
