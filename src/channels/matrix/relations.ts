/**
 * Relations of the messages of an incident: each later message relates to the first one.
 *
 * ```text
 * reply    fire <- fire again, <- resolve       each replies to the first
 * thread   fire [ fire again, resolve ]         in the thread of the first
 * edit     fire <- fire again; fire = resolve   the resolve replaces the first, without a push;
 *                                               a message that fires again replies, so that it pushes
 * ```
 *
 * An event can only relate to an event of its own room. No client shows an edit of an event that is
 * not ours or is gone. In these cases the message is an ordinary one.
 *
 * @module
 */

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
import { formatTime } from "../../notification/render.ts";
import { contentOf, type ContentOptions } from "./content.ts";
import { formerRoomsSince, type KnownRoom } from "./room_resolver.ts";
import type { MatrixSettings } from "./settings.ts";

type RelatedPolicy = MatrixSettings["related"];

/**
 * The most that an edit adds to twice its content, in bytes: keys, the id of the event, asterisks.
 */
const EDIT_BYTES = 1024;

/** Options for finding the relation. */
export interface RelatedOptions {
  readonly policy: RelatedPolicy;
  readonly incident: Incident | undefined;
  /** The room that it goes to. */
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
 * Finds how an event relates to an earlier one; undefined if it does not.
 *
 * @throws what a request throws, if it is unknown whether the earlier event can be edited
 */
export async function relatedTo(
  client: MatrixClient,
  { resolves }: Notification,
  { policy, incident, room, ...limits }: RelatedOptions,
): Promise<Related | undefined> {
  if (policy === "none" || !incident?.receipt.startsWith("$")) return undefined;
  // The first event probably went to the room that this one replaced.
  if (formerRoomsSince(room, incident.since).length > 0) return undefined;
  if (policy !== "edit") return { to: incident, how: policy };
  if (!resolves || incident.isShared) return { to: incident, how: "reply" };
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

/** A redacted message has no content any more. */
function isMessage({ type, content }: RoomEvent): boolean {
  return type === "m.room.message" && typeof content.msgtype === "string";
}

/** Makes the content of an event that relates to an earlier one. */
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
  // A search for our id must find the edit, and not the event that it edits.
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

/** Client-Server API, "Rich replies" and "Threading". Clients without threads show a reply. */
function relation(eventId: string, how: "reply" | "thread"): Relation {
  const reply = { "m.in_reply_to": { event_id: eventId } };
  return how === "reply" ? reply : { rel_type: "m.thread", event_id: eventId, is_falling_back: true, ...reply };
}
