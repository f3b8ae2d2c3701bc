/**
 * Routing: one notification becomes n envelopes. What a rule sets is in its envelopes, so that nothing behind this knows of rules.
 *
 * ```text
 * which channels:  the caller's, else those that the matching rules choose, else all
 * where in each:   the caller's room, else what the first matching rule sets that sets it, else the channel's own
 * ```
 *
 * @module
 */

import { ConfigError, InvalidNotificationError } from "../errors.ts";
import { parseRoom } from "../matrix/ids.ts";
import { nearest } from "../nearest.ts";
import type { Notification } from "../notification.ts";
import type { Channel, Envelope } from "./channel.ts";
import { ROOM_HINT, ROOM_PROBLEM } from "./matrix.ts";
import { judge, type JudgedRule } from "./routes/judge.ts";
import { type ChannelSettings, EVERY_CHANNEL, type Rule } from "./routes/rule.ts";

/** What a caller may say about where it goes. It counts before what the rules say. */
export interface RouteOptions {
  /** Only these channels, by name; `*` for all of them. */
  readonly channels?: readonly string[];
  /** Only channels of this kind. */
  readonly kind?: string;
  /** Another room for the Matrix channels, instead of theirs; the other channels get nothing. */
  readonly room?: string;
}

/** What there is to choose from, and by which rules. */
export interface Routing {
  readonly channels: readonly Channel[];
  readonly rules: readonly Rule[];
}

/** Where a notification goes. */
export interface Plan {
  /** What goes out. */
  readonly envelopes: readonly Envelope[];
  /** The rule that lets nothing go out. @default none */
  readonly mutedBy?: string;
  /** What became of each rule. */
  readonly rules: readonly JudgedRule[];
}

/**
 * Decides where a notification goes: to every destination of every configured channel, unless a rule or the caller says otherwise.
 *
 * @throws {ConfigError} when no channel is configured
 * @throws {InvalidNotificationError} when the caller names a channel or a room that there is not
 */
export function route(notification: Notification, routing: Routing, options: RouteOptions = {}): Plan {
  const { room } = options;
  const named = namedBy(options, routing.channels);
  const { matching, rules } = judge(routing.rules, notification);
  const chosen = named ?? chosenBy(matching, routing.channels);
  const envelopes = chosen.flatMap((channel) => {
    const { destinations = channel.destinations, ...changes } = settingsFor(channel.name, matching);
    const changed = { ...notification, ...changes };
    return (room === undefined ? destinations : [room]).map((destination): Envelope => {
      return { channel: channel.name, destination, notification: changed };
    });
  });
  return { envelopes, mutedBy: chosen.length > 0 ? undefined : matching.at(-1)?.path, rules };
}

/** What the first rule sets that sets it; of one rule, what it sets for this channel counts before what it sets for all. */
function settingsFor(channel: string, matching: readonly Rule[]): ChannelSettings {
  return matching.reduceRight<ChannelSettings>(
    (all, { settings, set }) => ({ ...all, ...settings, ...set.get(channel) }),
    {},
  );
}

function chosenBy(matching: readonly Rule[], channels: readonly Channel[]): readonly Channel[] {
  const choosing = matching.filter((rule) => rule.channels !== undefined);
  if (choosing.length === 0) return channels;
  const names = new Set(choosing.flatMap((rule) => rule.channels ?? []));
  return channels.filter(({ name }) => names.has(name));
}

/** The channels that the caller names in one way or another; undefined when it names none. */
function namedBy(options: RouteOptions, channels: readonly Channel[]): readonly Channel[] | undefined {
  const { channels: names, room } = options;
  const kind = room === undefined ? options.kind : "matrix";
  if (room !== undefined) checkRoom(room, options);
  if (channels.length === 0) {
    throw new ConfigError("Cannot send: no channel is configured", {
      hint: "set MATRIX_HOMESERVER, MATRIX_ACCESS_TOKEN and MATRIX_ROOM, or write a configuration file",
    });
  }
  if (names === undefined && kind === undefined) return undefined;
  const known = channels.map((channel) => channel.name);
  const unknown = names?.find((name) => name !== EVERY_CHANNEL && !known.includes(name));
  if (unknown !== undefined) {
    const near = nearest(unknown, known);
    throw new InvalidNotificationError(`Cannot use channel "${unknown}": there is none of that name`, {
      hint: near ? `did you mean "${near}"?` : `configured: ${known.join(", ")}`,
    });
  }
  const named = channels.filter((channel) =>
    (names === undefined || names.includes(EVERY_CHANNEL) || names.includes(channel.name)) &&
    (kind === undefined || channel.kind === kind)
  );
  if (named.length > 0) return named;
  throw new InvalidNotificationError(`Cannot send: no ${kind} channel is among ${(names ?? known).join(", ")}`);
}

function checkRoom(room: string, { kind }: RouteOptions): void {
  if (kind !== undefined && kind !== "matrix") {
    throw new InvalidNotificationError(`Cannot send to room ${room} by ${kind}: only Matrix has rooms`);
  }
  if (parseRoom(room) === undefined) {
    throw new InvalidNotificationError(`Cannot use room "${room}": ${ROOM_PROBLEM}`, { hint: ROOM_HINT });
  }
}
