/**
 * Summarizes the queue for the status page. For a long list, a summary contains only the first
 * items and the number of all items. Therefore a summary stays small, even if the queue is long.
 *
 * @module
 */

import { type Entry, type EntryState, isUndecided, type Lane } from "../queue/entry.ts";
import { firstOf, type LaneEntries } from "../queue/lane_index.ts";
import type { DeadEntry, LiveEntry, QueuedEntry, WaitView } from "./outcomes.ts";
import { computeStatus, type Status } from "./status.ts";
import type { NotifierParts } from "./wiring.ts";

/** The maximum number of items in each list of a summary. `entries` applies to each lane. */
export const OVERVIEW_LIMITS = { lanes: 20, entries: 5, dead: 20, incidents: 20, problems: 10 } as const;

/** The first items of a list. */
export interface Excerpt<Item> {
  readonly items: readonly Item[];
  /** The number of items in the whole list. */
  readonly total: number;
}

/** The summary of a queue. Times are in milliseconds since 1970. */
export interface Overview {
  readonly now: number;
  /** The name of this host in titles. */
  readonly identity: string;
  readonly stateDir: string;
  readonly status: Status;
  /** The configured channels in their order, then the other channels of the queue. */
  readonly channels: readonly ChannelOverview[];
  /** The dead letters, the newest first. */
  readonly dead: Excerpt<{ readonly entry: DeadEntry; readonly diedAt: number; readonly destination: string }>;
  /** The open incidents, the one with the newest delivery first. */
  readonly incidents: Excerpt<OpenIncident>;
  /** The mistakes in the configuration. */
  readonly problems: Excerpt<string>;
}

/** A channel with the entries that wait for it. */
export interface ChannelOverview {
  readonly name: string;
  /** Absent if the channel is not configured. */
  readonly kind?: string;
  readonly counts: LiveCounts;
  /** Why the whole channel waits, and until when. Absent if its server and its account work. */
  readonly wait?: WaitView;
  /** The lanes with the oldest entries, the oldest first. */
  readonly lanes: Excerpt<LaneOverview>;
}

/** The numbers of entries by state. The members of batches are counted one by one. */
export interface LiveCounts {
  readonly queued: number;
  readonly deferred: number;
  readonly held: number;
  /** Fallbacks that are sent only if another channel does not deliver in time. */
  readonly fallbacks: number;
}

/** The entries that wait for one destination. */
export interface LaneOverview {
  /** The destination with its name. Absent if the destination is not decided yet. */
  readonly destination?: string;
  readonly counts: LiveCounts;
  /** The time of the oldest entry. */
  readonly oldest: number;
  readonly entries: Excerpt<LiveEntry>;
}

/** An incident with the destinations where it is open. */
export interface OpenIncident {
  readonly key: string;
  /** The sender that the key belongs to. Absent if the key belongs to the user of the queue. */
  readonly sender?: string;
  readonly title: string;
  readonly since: number;
  readonly lastDelivery: number;
  /**
   * The number of delivered notifications about the incident, at the destination with the most
   * deliveries.
   */
  readonly count: number;
  readonly destinations: readonly string[];
}

/** Summarizes the journal records that were already read. */
export function computeOverview(parts: NotifierParts): Overview {
  const { queue, reporter, runtime, identity, stateDir, problems } = parts;
  const now = runtime.now(), nameOf = createNames(parts);
  const dead = queue.state.entries().flatMap((entry) => entry.members ?? [entry]).flatMap((entry) =>
    entry.dead === undefined ? [] : [{ entry, diedAt: entry.dead.time }]
  ).sort((one, other) => other.diedAt - one.diedAt);
  const shown = dead.slice(0, OVERVIEW_LIMITS.dead);
  const described = reporter.describe(shown.map(({ entry }) => entry));
  return {
    ...{ now, identity, stateDir },
    status: computeStatus(queue, reporter, now),
    channels: listChannels(parts, nameOf),
    dead: {
      items: described.flatMap((entry, at) =>
        entry.state === "dead" ? [{ entry, diedAt: shown[at].diedAt, destination: nameOf(entry) ?? "" }] : []
      ),
      total: dead.length,
    },
    incidents: excerpt(listIncidents(parts, now, nameOf), OVERVIEW_LIMITS.incidents),
    problems: excerpt(problems.map(({ message }) => message), OVERVIEW_LIMITS.problems),
  };
}

/**
 * Returns a function that names the destination of a lane. The function returns undefined if the
 * destination is not decided yet.
 */
function createNames({ formatDestination }: NotifierParts): (lane: Lane) => string | undefined {
  return (lane) => isUndecided(lane) ? undefined : formatDestination(lane.destination);
}

type Names = ReturnType<typeof createNames>;

function listChannels({ queue: { state }, reporter, channels }: NotifierParts, nameOf: Names): ChannelOverview[] {
  const { isPendingFallback, stateOf } = reporter.waits();
  const lanes = [...state.lanes()].map((entries) => ({
    entries,
    lane: firstOf(entries),
    oldest: entries.values().reduce((oldest, { time }) => Math.min(oldest, time), Infinity),
    counts: countLive(entries, (entry) => isPendingFallback(entry) ? "fallbacks" : stateOf(entry)),
  })).sort((one, other) => one.oldest - other.oldest);
  const shown = new Set(lanes.slice(0, OVERVIEW_LIMITS.lanes));
  const names = new Set([...channels.keys(), ...lanes.map(({ lane }) => lane?.channel ?? "")]);
  return [...names].map((name) => {
    const ours = lanes.filter(({ lane }) => lane?.channel === name);
    const { wait } = state.channelState(name);
    return {
      name,
      kind: channels.get(name)?.kind,
      counts: ours.map(({ counts }) => counts).reduce(addCounts, NO_ENTRIES),
      ...wait === undefined || ours.length === 0 ? {} : { wait: { reason: wait.reason, next: wait.next } },
      lanes: {
        total: ours.length,
        items: ours.filter((each) => shown.has(each)).map(({ entries, lane, oldest, counts }) => ({
          ...{ counts, oldest },
          destination: lane && nameOf(lane),
          entries: {
            items: reporter.describe([...entries.values().take(OVERVIEW_LIMITS.entries)]).filter(isLive),
            total: counts.queued + counts.deferred + counts.held + counts.fallbacks,
          },
        })),
      },
    };
  });
}

function isLive(entry: QueuedEntry): entry is LiveEntry {
  return entry.state !== "dead";
}

const NO_ENTRIES: LiveCounts = { queued: 0, deferred: 0, held: 0, fallbacks: 0 };

function countLive(entries: LaneEntries, stateOf: (entry: Entry) => EntryState | "fallbacks"): LiveCounts {
  const counts = { ...NO_ENTRIES, dead: 0 };
  for (const entry of entries.values()) counts[stateOf(entry)] += entry.members?.length ?? 1;
  const { dead: _, ...live } = counts;
  return live;
}

function addCounts(one: LiveCounts, other: LiveCounts): LiveCounts {
  return {
    queued: one.queued + other.queued,
    deferred: one.deferred + other.deferred,
    held: one.held + other.held,
    fallbacks: one.fallbacks + other.fallbacks,
  };
}

/** Lists the open incidents. An incident that is open at several destinations is one item. */
function listIncidents({ queue }: NotifierParts, now: number, nameOf: Names): readonly OpenIncident[] {
  const records = queue.state.openIncidents(now).toReversed();
  const groups = Map.groupBy(records, ({ key, sender = "" }) => `${key}\n${sender}`);
  return [...groups.values()].map((group) => {
    const [{ key, sender, title, lastDelivery }] = group;
    return {
      ...{ key, sender, title, lastDelivery },
      since: Math.min(...group.map(({ since }) => since)),
      count: Math.max(...group.map(({ count }) => count)),
      destinations: group.map((lane) => `${lane.channel} ${nameOf(lane) ?? ""}`.trimEnd()),
    };
  });
}

function excerpt<Item>(items: readonly Item[], limit: number): Excerpt<Item> {
  return { items: items.slice(0, limit), total: items.length };
}
