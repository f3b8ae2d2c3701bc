/**
 * Routing: turns one notification into envelopes. An envelope is the notification for one
 * destination of one channel, with all settings from the rules. The code for delivery does not read
 * the rules.
 *
 * ```text
 * channels      the channels that the caller names; otherwise the channels that the matching
 *               rules choose; otherwise all channels except fallback channels
 * destinations  the room that the caller names; otherwise the destinations of the first matching
 *               rule that sets them; otherwise the destinations of the channel
 * fallbacks     one envelope for each destination of a fallback channel,
 *               unless the caller names channels
 * resolving     a notification that resolves an incident is also sent to every destination
 *               where the incident is open, unless the caller names channels
 * ```
 *
 * @module
 */

import { ConfigError, InvalidNotificationError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import type { Channel, Envelope } from "../channels/channel.ts";
import type { Notification } from "../notification/notification.ts";
import { laneKey } from "../queue/entry.ts";
import type { Fallback } from "./fallback.ts";
import { type EvaluatedRule, evaluateRules } from "./match.ts";
import { type ChannelSettings, EVERY_CHANNEL, type NotificationSettings, type Rule } from "./rule.ts";

/** The kind of channels that send to rooms. */
const ROOM_KIND = "matrix";

/** The channels that a caller chooses. These options take precedence over the rules. */
export interface RouteOptions {
  /** The names of the channels to use; `*` means all channels. */
  readonly channels?: readonly string[];
  /** The kind of channels to use. */
  readonly kind?: string;
  /**
   * The room to use instead of the configured rooms. If it is set, matrix-notify uses only channels
   * of kind `matrix`, and only one channel for each account.
   */
  readonly room?: string;
}

/** The configured channels and rules, and the open incidents. */
export interface Routing {
  readonly channels: readonly Channel[];
  readonly rules: readonly Rule[];
  /** The fallback of each channel, by the name of the channel. */
  readonly fallbacks: ReadonlyMap<string, Fallback>;
  /**
   * The lanes (pairs of channel and destination) in which the notification resolves an open
   * incident. @default none
   */
  readonly openIncidents?: readonly Lane[];
}

/** A lane: a channel and one of its destinations. */
export type Lane = Pick<Envelope, "channel" | "destination">;

/**
 * An envelope (a notification for one destination) that is sent only if the primary envelopes are
 * not delivered in time.
 */
export interface FallbackEnvelope {
  readonly envelope: Envelope;
  /** The envelopes to try before the fallback, each with its time limit in milliseconds. */
  readonly primaries: readonly { readonly envelope: Envelope; readonly afterMs: number }[];
}

/** The envelopes (one for each destination) and the fallbacks of a notification. */
export interface Plan {
  readonly envelopes: readonly Envelope[];
  readonly fallbacks: readonly FallbackEnvelope[];
  /**
   * The path of the rule that mutes the notification, such as `routes[2]`; undefined if the
   * notification is not muted.
   */
  readonly mutedBy?: string;
  /** The result of each rule. */
  readonly rules: readonly EvaluatedRule[];
}

/**
 * Chooses the channels and destinations of a notification.
 *
 * @throws {ConfigError} if no channel is configured
 * @throws {InvalidNotificationError} if the caller names a channel that does not exist or a room
 * that is not valid
 */
export function route(notification: Notification, routing: Routing, options: RouteOptions = {}): Plan {
  const named = findNamedChannels(options, routing);
  const { matching, rules } = evaluateRules(routing.rules, notification);
  const channels = named ?? chooseChannels(matching, routing);
  const toEnvelope = ({ channel, destination }: Lane): Envelope => {
    return { channel, destination, notification: withSettings(notification, settingsFor(channel, matching)) };
  };
  const toLanes = ({ name, destinations }: Channel): Lane[] => {
    const configured = settingsFor(name, matching).destinations ?? destinations;
    return (options.room === undefined ? configured : [options.room])
      .map((destination) => ({ channel: name, destination }));
  };
  const lanes = onePerAccount(channels, options).flatMap(toLanes);
  const envelopes = [...lanes, ...named ? [] : otherIncidentLanes(lanes, routing)].map(toEnvelope);
  const fallbacks = named ? [] : planFallbacks(envelopes, {
    findFallback: (channel) => settingsFor(channel, matching).fallback ?? routing.fallbacks.get(channel),
    toEnvelopes: (name) => routing.channels.filter((one) => one.name === name).flatMap(toLanes).map(toEnvelope),
  });
  return { envelopes, fallbacks, mutedBy: envelopes.length > 0 ? undefined : matching.at(-1)?.path, rules };
}

/**
 * If the caller names a room, keeps only one channel of each account, so that the account sends to
 * the room only once. Prefers a channel for which the room is configured.
 */
function onePerAccount(channels: readonly Channel[], { room }: RouteOptions): readonly Channel[] {
  if (room === undefined) return channels;
  const byAccount = Map.groupBy(channels, (channel) => channel.account ?? channel);
  return [...byAccount.values()].map((same) => same.find(({ destinations }) => destinations.includes(room)) ?? same[0]);
}

/**
 * Returns the lanes (channel and destination) that have an open incident and are not in `lanes`.
 */
function otherIncidentLanes(lanes: readonly Lane[], { channels, openIncidents = [] }: Routing): readonly Lane[] {
  if (openIncidents.length === 0) return [];
  const reached = new Set(lanes.map(laneKey));
  const names = new Set(channels.map(({ name }) => name));
  return openIncidents.filter((lane) => names.has(lane.channel) && !reached.has(laneKey(lane)));
}

interface FallbackSource {
  findFallback(channel: string): Fallback | false | undefined;
  toEnvelopes(channel: string): readonly Envelope[];
}

/**
 * Creates the fallback envelopes. Each lane gets at most one, even if it is the fallback of several
 * envelopes. A lane that gets the notification directly gets none.
 */
function planFallbacks(
  envelopes: readonly Envelope[],
  { findFallback, toEnvelopes }: FallbackSource,
): FallbackEnvelope[] {
  const reached = new Set(envelopes.map(laneKey));
  const pairs = envelopes.flatMap((primary) => {
    const fallback = findFallback(primary.channel);
    if (!fallback) return [];
    const { channels, afterMs } = fallback;
    const unreached = channels.flatMap(toEnvelopes).filter((envelope) => !reached.has(laneKey(envelope)));
    return unreached.map((envelope) => ({ envelope, primary: { envelope: primary, afterMs } }));
  });
  return Array.from(Map.groupBy(pairs, ({ envelope }) => laneKey(envelope)).values(), (lane) => {
    return { envelope: lane[0].envelope, primaries: lane.map(({ primary }) => primary) };
  });
}

/** Returns the notification with the changes of the rules. */
function withSettings(notification: Notification, settings: NotificationSettings): Notification {
  const { silent = notification.silent, severity = notification.severity, mentions = notification.mentions } = settings;
  return { ...notification, silent, severity, ...(mentions === undefined ? {} : { mentions }) };
}

/**
 * Combines the settings of the matching rules. For each setting, the first rule that sets it takes
 * precedence. Within one rule, a setting for this channel takes precedence over a setting for all
 * channels.
 */
function settingsFor(channel: string, matching: readonly Rule[]): ChannelSettings {
  return matching.reduceRight<ChannelSettings>(
    (all, { settings, set }) => ({ ...all, ...settings, ...set.get(channel) }),
    {},
  );
}

function chooseChannels(matching: readonly Rule[], routing: Routing): readonly Channel[] {
  const { channels } = routing;
  const choosing = matching.filter((rule) => rule.channels !== undefined);
  if (choosing.length === 0) return withoutFallbacks(channels, routing);
  const names = new Set(choosing.flatMap((rule) => rule.channels ?? []));
  return channels.filter(({ name }) => names.has(name));
}

/** Removes fallback channels. If all channels are fallback channels, returns all channels. */
function withoutFallbacks(channels: readonly Channel[], { rules, fallbacks }: Routing): readonly Channel[] {
  if (rules.length === 0 && fallbacks.size === 0) return channels;
  const set = rules.flatMap((rule) => [...rule.set.values()]).map(({ fallback }) => fallback || undefined);
  const names = new Set([...fallbacks.values(), ...set].flatMap((fallback) => fallback?.channels ?? []));
  const others = channels.filter(({ name }) => !names.has(name));
  return others.length > 0 ? others : channels;
}

/**
 * Returns the channels that the caller chooses by name, by kind or by room; undefined if the caller
 * does not choose channels.
 */
function findNamedChannels(options: RouteOptions, routing: Routing): readonly Channel[] | undefined {
  const { channels } = routing;
  const { channels: names, room } = options;
  const kind = room === undefined ? options.kind : ROOM_KIND;
  if (room !== undefined && (options.kind ?? ROOM_KIND) !== ROOM_KIND) {
    throw new InvalidNotificationError(
      `Cannot send to room ${room} with a channel of kind ${options.kind}: only Matrix channels have rooms`,
    );
  }
  if (channels.length === 0) {
    throw new ConfigError("Cannot send: no channel is configured", {
      hint: "run: matrix-notify setup; or set MATRIX_HOMESERVER, MATRIX_ACCESS_TOKEN and MATRIX_ROOM",
    });
  }
  if (names === undefined && kind === undefined) return undefined;
  const known = channels.map((channel) => channel.name);
  const unknown = names?.find((name) => name !== EVERY_CHANNEL && !known.includes(name));
  if (unknown !== undefined) {
    const near = nearest(unknown, known);
    throw new InvalidNotificationError(`Cannot use channel "${unknown}": there is no channel with this name`, {
      hint: near ? `did you mean "${near}"?` : `configured channels: ${known.join(", ")}`,
    });
  }
  const named = channels.filter((channel) =>
    (names === undefined || names.includes(EVERY_CHANNEL) || names.includes(channel.name)) &&
    (kind === undefined || channel.kind === kind)
  );
  if (named.length === 0) {
    throw new InvalidNotificationError(
      `Cannot send: these channels are not of kind ${kind}: ${(names ?? known).join(", ")}`,
    );
  }
  if (room !== undefined) { for (const channel of named) channel.checkDestination?.(room); }
  return names === undefined ? withoutFallbacks(named, routing) : named;
}
