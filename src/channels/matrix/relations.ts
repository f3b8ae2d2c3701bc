/**
 * Events that belong together: whoever resolves something, or says it once more, does so in relation to the event that said it first.
 *
 * ```text
 * reply    fire <- fire again, <- resolve       each answers the first
 * thread   fire [ fire again, resolve ]         in the thread of the first
 * edit     fire <- fire again; fire = resolve   the resolve takes the place of the first, which calls nobody; so what fires again is an answer
 * ```
 *
 * An event can only relate to one of its own room, and edits of what is not ours or not there any more are shown by nobody: then it is an ordinary message.
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

/** What an edit adds to two times its content, in bytes, at most: its keys, the id of the event, and asterisks. */
const EDIT_BYTES = 1024;

/** What decides how an event relates to an earlier one. */
export interface RelatedOptions {
  readonly policy: RelatedPolicy;
  readonly incident: Incident | undefined;
  /** The room that it goes to. */
  readonly room: KnownRoom;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** An event's relation to the first of its key. */
export interface Related {
  readonly to: Incident;
  readonly how: Exclude<RelatedPolicy, "none">;
}

/**
 * Decides how an event relates to an earlier one; undefined when it does not.
 *
 * @throws whatever a request throws, when nobody knows whether the earlier one can be edited
 */
export async function relatedTo(
  client: MatrixClient,
  { resolves }: Notification,
  { policy, incident, room, ...limits }: RelatedOptions,
): Promise<Related | undefined> {
  if (policy === "none" || !incident?.receipt.startsWith("$")) return undefined;
  // The first went to the room that this one replaced, as far as is known.
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

/** A message that somebody took back has no content any more. */
function isMessage({ type, content }: RoomEvent): boolean {
  return type === "m.room.message" && typeof content.msgtype === "string";
}

/** The content of an event that relates to an earlier one. */
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
  // Who looks for our id finds the edit, and not the event that it edits.
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

/** Client-Server API, "Rich replies" and "Threading"; clients without threads show an answer. */
function relation(eventId: string, how: "reply" | "thread"): Relation {
  const reply = { "m.in_reply_to": { event_id: eventId } };
  return how === "reply" ? reply : { rel_type: "m.thread", event_id: eventId, is_falling_back: true, ...reply };
}
