/**
 * Routing: one notification becomes n envelopes. What a rule sets is in its envelopes, so that nothing behind this knows of rules.
 *
 * ```text
 * which channels:  the caller's, else those that the matching rules choose, else all
 * fallbacks:       what stands in for these, where the caller names none; for nothing else are those used that stand in
 * where in each:   the caller's room, else what the first matching rule sets that sets it, else the channel's own
 * what resolves:   also wherever it was told what is over now, whatever the rules say of this one, unless the caller names channels
 * ```
 *
 * @module
 */

import { ConfigError, InvalidNotificationError } from "../base/errors.ts";
import { parseRoom, ROOM_HINT, ROOM_PROBLEM } from "../matrix/ids.ts";
import { nearest } from "../base/nearest.ts";
import type { Notification } from "../notification/notification.ts";
import { laneKey } from "../queue/entry.ts";
import type { Channel, Envelope } from "../channels/channel.ts";
import type { Fallback } from "./fallback.ts";
import { type EvaluatedRule, evaluateRules } from "./match.ts";
import { type ChannelSettings, EVERY_CHANNEL, type Rule } from "./rule.ts";

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
  /** What stands in for channels, by name. */
  readonly fallbacks: ReadonlyMap<string, Fallback>;
  /** Where what it resolves was told, and not yet that it is over. @default nowhere */
  readonly openIncidents?: readonly Lane[];
}

/** A destination of a channel. */
export type Lane = Pick<Envelope, "channel" | "destination">;

/** An envelope that goes out only when others have not arrived in time. */
export interface FallbackEnvelope {
  /** What goes out then. */
  readonly envelope: Envelope;
  /** What it stands in for, each with how long that may take, milliseconds. */
  readonly primaries: readonly { readonly envelope: Envelope; readonly afterMs: number }[];
}

/** Where a notification goes. */
export interface Plan {
  /** What goes out. */
  readonly envelopes: readonly Envelope[];
  /** What goes out only when that has not arrived in time. */
  readonly fallbacks: readonly FallbackEnvelope[];
  /** The rule that lets nothing go out. @default none */
  readonly mutedBy?: string;
  /** What became of each rule. */
  readonly rules: readonly EvaluatedRule[];
}

/**
 * Decides where a notification goes: to every destination of every configured channel, unless a rule or the caller says otherwise.
 *
 * @throws {ConfigError} when no channel is configured
 * @throws {InvalidNotificationError} when the caller names a channel or a room that there is not
 */
export function route(notification: Notification, routing: Routing, options: RouteOptions = {}): Plan {
  const { room } = options;
  const named = namedBy(options, routing);
  const { matching, rules } = evaluateRules(routing.rules, notification);
  const chosen = named ?? chosenBy(matching, routing);
  const envelopeFor = ({ channel, destination }: Lane): Envelope => {
    const { silent, severity, mentions } = settingsFor(channel, matching);
    const changes = Object.entries({ silent, severity, mentions }).filter(([, value]) => value !== undefined);
    return { channel, destination, notification: { ...notification, ...Object.fromEntries(changes) } };
  };
  const placesOf = ({ name, destinations }: Channel): Lane[] => {
    const own = settingsFor(name, matching).destinations ?? destinations;
    return (room === undefined ? own : [room]).map((destination) => ({ channel: name, destination }));
  };
  const envelopesOf = (channel: Channel) => placesOf(channel).map(envelopeFor);
  const places = chosen.flatMap(placesOf);
  const envelopes = [...places, ...named ? [] : alsoTold(places, routing)].map(envelopeFor);
  // Who says by what it goes means nothing else.
  const fallbacks = named ? [] : fallbacksOf(envelopes, {
    fallbackOf: (channel) => settingsFor(channel, matching).fallback ?? routing.fallbacks.get(channel),
    envelopesOf: (name) => routing.channels.filter((channel) => channel.name === name).flatMap(envelopesOf),
  });
  return { envelopes, fallbacks, mutedBy: envelopes.length > 0 ? undefined : matching.at(-1)?.path, rules };
}

/** Where it was told what is over now, but for where it goes anyway. */
function alsoTold(places: readonly Lane[], { channels, openIncidents = [] }: Routing): readonly Lane[] {
  const reached = new Set(places.map(laneKey));
  const known = new Set(channels.map(({ name }) => name));
  return openIncidents.filter((place) => known.has(place.channel) && !reached.has(laneKey(place)));
}

interface FallbackSource {
  fallbackOf(channel: string): Fallback | false | undefined;
  envelopesOf(channel: string): readonly Envelope[];
}

/** One for each place, however many it stands in for; none for where it goes anyway. */
function fallbacksOf(envelopes: readonly Envelope[], { fallbackOf, envelopesOf }: FallbackSource): FallbackEnvelope[] {
  const reached = new Set(envelopes.map(laneKey));
  const all = envelopes.flatMap((primary) => {
    const { channels = [], afterMs = 0 } = fallbackOf(primary.channel) || {};
    const places = channels.flatMap(envelopesOf).filter((envelope) => !reached.has(laneKey(envelope)));
    return places.map((envelope) => ({ envelope, primary: { envelope: primary, afterMs } }));
  });
  return Array.from(Map.groupBy(all, ({ envelope }) => laneKey(envelope)).values(), (some) => {
    return { envelope: some[0].envelope, primaries: some.map(({ primary }) => primary) };
  });
}

/** What the first rule sets that sets it; of one rule, what it sets for this channel counts before what it sets for all. */
function settingsFor(channel: string, matching: readonly Rule[]): ChannelSettings {
  return matching.reduceRight<ChannelSettings>(
    (all, { settings, set }) => ({ ...all, ...settings, ...set.get(channel) }),
    {},
  );
}

function chosenBy(matching: readonly Rule[], routing: Routing): readonly Channel[] {
  const { channels } = routing;
  const choosing = matching.filter((rule) => rule.channels !== undefined);
  if (choosing.length === 0) return withoutStandby(channels, routing);
  const names = new Set(choosing.flatMap((rule) => rule.channels ?? []));
  return channels.filter(({ name }) => names.has(name));
}

/** Channels that stand in for others are nobody's first choice, unless somebody names them or there are no others. */
function withoutStandby(channels: readonly Channel[], { rules, fallbacks }: Routing): readonly Channel[] {
  const set = rules.flatMap((rule) => [...rule.set.values()]).map(({ fallback }) => fallback || undefined);
  const standby = new Set([...fallbacks.values(), ...set].flatMap((fallback) => fallback?.channels ?? []));
  const first = channels.filter(({ name }) => !standby.has(name));
  return first.length > 0 ? first : channels;
}

/** The channels that the caller names in one way or another; undefined when it names none. */
function namedBy(options: RouteOptions, routing: Routing): readonly Channel[] | undefined {
  const { channels } = routing;
  const { channels: names, room } = options;
  const kind = room === undefined ? options.kind : "matrix";
  if (room !== undefined) checkRoom(room, options);
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
  if (named.length > 0) return names === undefined ? withoutStandby(named, routing) : named;
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
