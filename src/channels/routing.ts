/** Routing: one notification becomes n envelopes. */

import { ConfigError, InvalidNotificationError } from "../errors.ts";
import { parseRoom } from "../matrix/ids.ts";
import { nearest } from "../nearest.ts";
import type { Notification } from "../notification.ts";
import type { Channel, Envelope } from "./channel.ts";
import { ROOM_HINT, ROOM_PROBLEM } from "./matrix_fields.ts";

/** What a caller may say about where it goes. */
export interface RouteOptions {
  /** Only these channels, by name. */
  readonly channels?: readonly string[];
  /** Only channels of this kind. */
  readonly kind?: string;
  /** Another room for the Matrix channels, instead of theirs; the other channels get nothing. */
  readonly room?: string;
}

/**
 * Decides where a notification goes: to every destination of every configured channel, unless the caller says otherwise.
 *
 * @throws {ConfigError} when no channel is configured
 * @throws {InvalidNotificationError} when the caller names a channel or a room that there is not
 */
export function route(
  notification: Notification,
  channels: readonly Channel[],
  options: RouteOptions = {},
): Envelope[] {
  const { room, kind } = options;
  if (room !== undefined && kind !== undefined && kind !== "matrix") {
    throw new InvalidNotificationError(`Cannot send to room ${room} by ${kind}: only Matrix has rooms`);
  }
  if (room !== undefined && parseRoom(room) === undefined) {
    throw new InvalidNotificationError(`Cannot use room "${room}": ${ROOM_PROBLEM}`, { hint: ROOM_HINT });
  }
  const chosen = choose(channels, { ...options, kind: room === undefined ? options.kind : "matrix" });
  return chosen.flatMap((channel) =>
    (room === undefined ? channel.destinations : [room]).map((destination) => ({
      channel: channel.name,
      destination,
      notification,
    }))
  );
}

function choose(channels: readonly Channel[], { channels: names, kind }: RouteOptions): Channel[] {
  if (channels.length === 0) {
    throw new ConfigError("Cannot send: no channel is configured", {
      hint: "run: matrix-notify setup; or set MATRIX_HOMESERVER, MATRIX_ACCESS_TOKEN and MATRIX_ROOM",
    });
  }
  const known = channels.map((channel) => channel.name);
  const unknown = names?.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const near = nearest(unknown, known);
    throw new InvalidNotificationError(`Cannot use channel "${unknown}": there is none of that name`, {
      hint: near ? `did you mean "${near}"?` : `configured: ${known.join(", ")}`,
    });
  }
  const chosen = channels.filter((channel) =>
    (names?.includes(channel.name) ?? true) && (kind === undefined || channel.kind === kind)
  );
  if (chosen.length > 0) return chosen;
  throw new InvalidNotificationError(`Cannot send: no ${kind} channel is among ${(names ?? known).join(", ")}`);
}
