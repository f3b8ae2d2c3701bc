/**
 * Routing: one notification becomes n envelopes. Everything that a rule sets is written into its
 * envelopes, so that delivery knows nothing of rules.
 *
 * ```text
 * channels      those that the caller names; else those that the matching rules choose;
 *               else all but the fallback channels
 * destinations  the caller's room; else the first matching rule that sets one;
 *               else the channel's own
 * fallbacks     one envelope for each lane of a fallback channel;
 *               none if the caller names channels
 * a resolve     also goes to every lane with the open incident that it resolves,
 *               unless the caller names channels
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
import { type ChannelSettings, EVERY_CHANNEL, type Rule } from "./rule.ts";

/** The kind of channel whose destinations are rooms. */
const ROOM_KIND = "matrix";

/** Where a caller sends a notification. It takes precedence over the rules. */
export interface RouteOptions {
  /** Only these channels, by name; `*` for all of them. */
  readonly channels?: readonly string[];
  /** Only channels of this kind. */
  readonly kind?: string;
  /** Only channels of kind `matrix`, and this room instead of their own. */
  readonly room?: string;
}

/** The configured channels and rules, and the open incidents. */
export interface Routing {
  readonly channels: readonly Channel[];
  readonly rules: readonly Rule[];
  /** The fallback of each channel that has one, by its name. */
  readonly fallbacks: ReadonlyMap<string, Fallback>;
  /** The lanes with an open incident that the notification resolves. @default none */
  readonly openIncidents?: readonly Lane[];
}

/** A channel and one of its destinations. */
export type Lane = Pick<Envelope, "channel" | "destination">;

/** An envelope that is only sent if others are not delivered in time. */
export interface FallbackEnvelope {
  readonly envelope: Envelope;
  /** The envelopes that it replaces, each with its timeout in milliseconds. */
  readonly primaries: readonly { readonly envelope: Envelope; readonly afterMs: number }[];
}

/** Where a notification goes. */
export interface Plan {
  readonly envelopes: readonly Envelope[];
  readonly fallbacks: readonly FallbackEnvelope[];
  /** The rule that mutes the notification: `routes[2]`. @default it is not muted */
  readonly mutedBy?: string;
  /** The result of each rule. */
  readonly rules: readonly EvaluatedRule[];
}

/**
 * Decides where a notification goes.
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
    const { silent, severity, mentions } = settingsFor(channel, matching);
    const changes = Object.entries({ silent, severity, mentions }).filter(([, value]) => value !== undefined);
    return { channel, destination, notification: { ...notification, ...Object.fromEntries(changes) } };
  };
  const toLanes = ({ name, destinations }: Channel): Lane[] => {
    const configured = settingsFor(name, matching).destinations ?? destinations;
    return (options.room === undefined ? configured : [options.room])
      .map((destination) => ({ channel: name, destination }));
  };
  const lanes = channels.flatMap(toLanes);
  const envelopes = [...lanes, ...named ? [] : otherIncidentLanes(lanes, routing)].map(toEnvelope);
  const fallbacks = named ? [] : planFallbacks(envelopes, {
    findFallback: (channel) => settingsFor(channel, matching).fallback ?? routing.fallbacks.get(channel),
    toEnvelopes: (name) => routing.channels.filter((one) => one.name === name).flatMap(toLanes).map(toEnvelope),
  });
  return { envelopes, fallbacks, mutedBy: envelopes.length > 0 ? undefined : matching.at(-1)?.path, rules };
}

/** The lanes with an open incident that are not among these. */
function otherIncidentLanes(lanes: readonly Lane[], { channels, openIncidents = [] }: Routing): readonly Lane[] {
  const reached = new Set(lanes.map(laneKey));
  const names = new Set(channels.map(({ name }) => name));
  return openIncidents.filter((lane) => names.has(lane.channel) && !reached.has(laneKey(lane)));
}

interface FallbackSource {
  findFallback(channel: string): Fallback | false | undefined;
  toEnvelopes(channel: string): readonly Envelope[];
}

/**
 * One fallback envelope a lane, for all of its primaries; none for a lane that gets the
 * notification anyway.
 */
function planFallbacks(
  envelopes: readonly Envelope[],
  { findFallback, toEnvelopes }: FallbackSource,
): FallbackEnvelope[] {
  const reached = new Set(envelopes.map(laneKey));
  const pairs = envelopes.flatMap((primary) => {
    const { channels = [], afterMs = 0 } = findFallback(primary.channel) || {};
    const unreached = channels.flatMap(toEnvelopes).filter((envelope) => !reached.has(laneKey(envelope)));
    return unreached.map((envelope) => ({ envelope, primary: { envelope: primary, afterMs } }));
  });
  return Array.from(Map.groupBy(pairs, ({ envelope }) => laneKey(envelope)).values(), (lane) => {
    return { envelope: lane[0].envelope, primaries: lane.map(({ primary }) => primary) };
  });
}

/**
 * For each setting, the first rule that sets it wins. In one rule, a setting for this channel wins
 * over one for all.
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

/** Leaves out fallback channels, unless there are no others. */
function withoutFallbacks(channels: readonly Channel[], { rules, fallbacks }: Routing): readonly Channel[] {
  const set = rules.flatMap((rule) => [...rule.set.values()]).map(({ fallback }) => fallback || undefined);
  const names = new Set([...fallbacks.values(), ...set].flatMap((fallback) => fallback?.channels ?? []));
  const others = channels.filter(({ name }) => !names.has(name));
  return others.length > 0 ? others : channels;
}

/**
 * The channels that the caller names, by name, by kind or by a room; undefined if the caller names
 * none.
 */
function findNamedChannels(options: RouteOptions, routing: Routing): readonly Channel[] | undefined {
  const { channels } = routing;
  const { channels: names, room } = options;
  const kind = room === undefined ? options.kind : ROOM_KIND;
  if (room !== undefined && (options.kind ?? ROOM_KIND) !== ROOM_KIND) {
    throw new InvalidNotificationError(`Cannot send to room ${room} by ${options.kind}: only Matrix has rooms`);
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
    throw new InvalidNotificationError(`Cannot use channel "${unknown}": there is none of that name`, {
      hint: near ? `did you mean "${near}"?` : `configured: ${known.join(", ")}`,
    });
  }
  const named = channels.filter((channel) =>
    (names === undefined || names.includes(EVERY_CHANNEL) || names.includes(channel.name)) &&
    (kind === undefined || channel.kind === kind)
  );
  if (named.length === 0) {
    throw new InvalidNotificationError(`Cannot send: no ${kind} channel is among ${(names ?? known).join(", ")}`);
  }
  if (room !== undefined) { for (const channel of named) channel.checkDestination?.(room); }
  return names === undefined ? withoutFallbacks(named, routing) : named;
}
