/**
 * Notifications for channels that have a mistake in the configuration. The destinations of such a
 * notification are not decided, because the mistake may be in the destinations. The notification is
 * still queued:
 *
 * ```text
 * plan      If a channel has a mistake, or the configuration file cannot be read, the envelope
 *           becomes undecided: the notification as the caller gave it, with the destination "?".
 * later     The mistake is fixed. The next process that sends a notification also plans the
 *           undecided notification again (planner.ts). The process queues the new envelopes. Then
 *           it drops the undecided entry. If the process is killed before the drop, the idempotency
 *           keys of the new entries prevent duplicates.
 * ```
 *
 * @module
 */

import { ConfigError, HintedError, StorageError } from "../base/errors.ts";
import type { Channel, Envelope } from "../channels/channel.ts";
import type { Config } from "../config/config.ts";
import { isNotification, type Notification } from "../notification/notification.ts";
import type { EnqueueRequest } from "../queue/change_records.ts";
import { type Entry, isUndecided, notificationOf, roomOfUndecided, undecidedDestination } from "../queue/entry.ts";
import { firstOf } from "../queue/lane_index.ts";
import type { Queue } from "../queue/queue.ts";
import type { Plan, RouteOptions } from "../routing/route.ts";
import { EVERY_CHANNEL } from "../routing/rule.ts";
import type { Caller } from "./enqueue_requests.ts";
import type { Obstacle } from "./outcomes.ts";

/** The channels of a configuration that cannot be used because of mistakes. */
export type Mistakes = Pick<Config, "stopped" | "failure">;

/** Returns the channels that can be used, and those that a mistake stops. */
export function allChannels(
  { stopped }: Mistakes,
  usable: readonly Channel[],
): readonly Pick<Channel, "name" | "kind" | "destinations">[] {
  return [...usable, ...stopped.map(({ name, kind = "" }) => ({ name, kind, destinations: [] }))];
}

/**
 * Returns substitutes for the channels that cannot be used. Rules and callers can choose a
 * substitute like a channel. If the configuration file cannot be read, each channel that the caller
 * names gets a substitute. If no channel is known at all, one substitute stands for all channels.
 */
export function substituteChannels(
  { stopped, failure }: Mistakes,
  usable: readonly Channel[],
  { channels: names = [], kind, room }: RouteOptions,
): readonly Channel[] {
  if (stopped.length === 0 && failure === undefined) return [];
  const known = new Set([...usable, ...stopped].map(({ name }) => name));
  const unknown = failure === undefined ? [] : names.filter((name) => name !== EVERY_CHANNEL && !known.has(name));
  const all = failure !== undefined && usable.length + stopped.length + unknown.length === 0 ? [EVERY_CHANNEL] : [];
  return [
    ...stopped.map(({ name, kind = "", problem }) => substitute(name, kind, problem)),
    ...[...unknown, ...all].map((name) => substitute(name, room === undefined ? kind ?? "" : "matrix", failure)),
  ];
}

/** The longest text that is not stored as a file, in UTF-16 code units. */
const MAX_UNDECIDED_CHARS = 1000;

function substitute(name: string, kind: string, problem: ConfigError | undefined): Channel {
  return {
    name,
    kind,
    isIdempotent: true,
    attachmentMode: "inline",
    destinations: [undecidedDestination()],
    // The limit of the service is not known, so this limit is small. A longer text needs a file.
    hasRoomFor: (_, { text }) => text.length <= MAX_UNDECIDED_CHARS,
    send: () => Promise.reject(problem),
  };
}

/** Replaces the envelopes of the channels that cannot be used with undecided envelopes. */
export function withUndecided(
  plan: Plan,
  { usable, notification, room }: {
    readonly usable: ReadonlySet<string>;
    /** The notification without the changes that rules made. The rules are applied again later. */
    readonly notification: Notification;
    readonly room: string | undefined;
  },
): Plan {
  const replaced = new Map<string, Envelope>();
  const replace = (envelope: Envelope): Envelope => {
    const { channel } = envelope;
    if (usable.has(channel)) return envelope;
    const undecided = replaced.get(channel) ?? { channel, destination: undecidedDestination(room), notification };
    replaced.set(channel, undecided);
    return undecided;
  };
  return {
    ...plan,
    envelopes: [...new Set(plan.envelopes.map(replace))],
    fallbacks: plan.fallbacks.map(({ envelope, primaries }) => ({
      envelope: replace(envelope),
      primaries: primaries.map(({ envelope, afterMs }) => ({ envelope: replace(envelope), afterMs })),
    })),
  };
}

/** Finds the mistake that prevents sending an entry. */
export function findMistake(
  { channel }: Pick<Entry, "channel">,
  { stopped, failure }: Mistakes,
): Obstacle | undefined {
  const problem = stopped.find(({ name }) => name === channel)?.problem ?? failure;
  return problem && { reason: problem.message, isMistake: true };
}

function findUndecided({ state }: Queue): Entry[] {
  const lanes = state.lanes().filter((lane) => {
    const first = firstOf(lane);
    return first !== undefined && isUndecided(first);
  });
  return [...lanes.flatMap((lane) => lane.values())];
}

/** The options of the caller that an undecided entry keeps. */
export type DecideOptions = RouteOptions & Caller;

/** The functions that decide the destinations of entries. */
export interface Decider {
  readonly queue: Queue;
  /** Returns true if the mistake that stopped an entry is fixed. */
  isFixed(entry: Entry): boolean;
  /** Plans a notification, and returns requests that put its envelopes into the queue. */
  toRequests(notification: Notification, options: DecideOptions): Promise<readonly EnqueueRequest[]>;
}

/**
 * Replaces undecided entries, whose destinations are not known, with decided entries. Skips an
 * entry while the mistake in the configuration remains.
 *
 * @returns the decided entries, by the id of the undecided entry
 * @throws {StorageError} if the queue cannot be written; the undecided entries then remain
 */
export async function decide({ queue, isFixed, toRequests }: Decider): Promise<ReadonlyMap<string, readonly Entry[]>> {
  const replacements = new Map<string, readonly Entry[]>();
  for (const entry of findUndecided(queue).filter(isFixed)) {
    const { channel, sender, idempotencyKey: id = `decided ${entry.id}`, time, expires, fallbackFor } = entry;
    const channels = channel === EVERY_CHANNEL ? undefined : [channel];
    const notification = notificationOf(entry);
    try {
      if (!isNotification(notification)) throw new ConfigError("Cannot read the notification: a field is missing");
      const requests = await toRequests(notification, { channels, room: roomOfUndecided(entry), sender, id });
      const decided = requests.map((request) => ({ ...request, time, expires, fallbackFor }));
      const { entries, watch } = await queue.enqueue(decided, () => false);
      watch[Symbol.dispose]();
      await queue.drop([entry], { isUnneeded: true });
      replacements.set(entry.id, entries);
    } catch (error) {
      if (!(error instanceof HintedError) || error instanceof StorageError) throw error;
      await queue.recordResult(entry, { state: "dead", reason: error.message }, { isProof: true });
    }
  }
  return replacements;
}
