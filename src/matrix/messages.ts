/** Reading a room back (Client-Server API, "Getting events for a room"). */

import { type MatrixClient, request } from "./request.ts";
import type { RoomOptions } from "./rooms.ts";

/** What to look for. */
export interface FindOptions extends RoomOptions {
  readonly roomId: string;
  /** Our id in the content of the event. */
  readonly id: string;
  /** Nothing older than this can be it, milliseconds since 1970 by the server's clock. */
  readonly since: number;
}

/** Dendrite gives no more, whatever it is asked for. */
const PAGE_EVENTS = "100";

/**
 * Looks for an event of ours from the newest backwards: `GET /rooms/{roomId}/messages?dir=b`, page by page until there is no more or a page is too old. There
 * is no filter on the server's side, since Dendrite cuts the page before it filters and then says that there is no more.
 *
 * @returns its event_id; undefined when the room does not hold it
 * @throws whatever {@linkcode request} throws; M_FORBIDDEN when we may not read
 */
export async function findEvent(client: MatrixClient, options: FindOptions): Promise<string | undefined> {
  const { roomId, id, since, timeoutMs, signal } = options;
  let from: string | undefined;
  for (;;) {
    const query = { dir: "b", limit: PAGE_EVENTS, ...(from === undefined ? {} : { from }) };
    const page = await request(client, {
      method: "GET",
      path: ["rooms", roomId, "messages"],
      query,
      timeoutMs,
      signal,
    });
    const events = (Array.isArray(page.chunk) ? page.chunk : []).filter(isEvent);
    const found = events.find((event) => event.content["dev.matrix-notify.id"] === id);
    if (found) return found.event_id;
    const isTooOld = events.some((event) => event.origin_server_ts < since);
    if (typeof page.end !== "string" || page.end === from || isTooOld) return undefined;
    from = page.end;
  }
}

interface Event {
  readonly event_id: string;
  readonly origin_server_ts: number;
  readonly content: Readonly<Record<string, unknown>>;
}

function isEvent(value: unknown): value is Event {
  if (typeof value !== "object" || value === null) return false;
  return "event_id" in value && typeof value.event_id === "string" &&
    "origin_server_ts" in value && typeof value.origin_server_ts === "number" &&
    "content" in value && typeof value.content === "object" && value.content !== null;
}
