/** What callers are told: an outcome for each envelope, and what is in the queue. */

import type { Routing } from "../routing/route.ts";
import { toBatch } from "../delivery/attempt.ts";
import type { Courier, CourierEvent } from "../delivery/courier.ts";
import type { Delays } from "../delivery/delays.ts";
import { withoutItems } from "../notification/batch.ts";
import { isNotification, type Notification } from "../notification/notification.ts";
import { type Entry, type EntryState, laneKey } from "../queue/entry.ts";
import type { Queue } from "../queue/queue.ts";
import type { Runtime } from "../runtime/runtime.ts";

/** What became of an envelope so far. `delivered`, `queued` and `held` is delivered, or will be. */
export interface Outcome {
  /** The entry's id; also its txnId. */
  readonly id: string;
  /** The channel's name. */
  readonly channel: string;
  /** Where it goes: a room, a topic. */
  readonly destination: string;
  /**
   * `queued` waits for its turn or its next try, `held` for its account to be mended. `superseded`: one with the same key took its place. `refused`: the disk did not
   * take it, and the one try without it failed; nothing will be tried again. `muted`: a rule lets it go nowhere.
   */
  readonly state: "delivered" | "queued" | "held" | "dead" | "superseded" | "refused" | "muted";
  /** The proof of delivery: `event_id` for Matrix. */
  readonly receipt?: string;
  /** Why it was not delivered yet, or never will be. */
  readonly reason?: string;
  /** When it is tried next, milliseconds since 1970. */
  readonly next?: number;
  /** The file's name, when it is one that goes by itself behind its text. */
  readonly file?: string;
}

/** An entry of the queue, as people see it. */
export interface QueuedEntry {
  /** Its id; also its txnId. */
  readonly id: string;
  /** `queued` was not tried yet, `deferred` was, `held` waits for its account, `dead` is not tried any more. */
  readonly state: EntryState;
  /** The channel's name. */
  readonly channel: string;
  /** Where it goes: a room, a topic. */
  readonly destination: string;
  /** When it was queued, milliseconds since 1970. */
  readonly time: number;
  /** When it stops being worth delivering, milliseconds since 1970. */
  readonly expires: number;
  /** What it is about, as the caller said. */
  readonly key?: string;
  /** How many attempts have left. */
  readonly attempts: number;
  /** Why it waits, or why it is dead. */
  readonly reason?: string;
  /** When it is tried next, milliseconds since 1970. */
  readonly next?: number;
  /** What was said; of a digest, what it will say. */
  readonly notification: Notification;
  /** It is a fallback: it goes out only when these, by their ids, have not been delivered in time. */
  readonly fallbackFor?: readonly string[];
  /** What it stands for, when it is a digest: they are delivered together, by one event under its id. */
  readonly members?: readonly QueuedEntry[];
}

/** Reads the queue for callers. */
export class Reporter {
  readonly #queue: Queue;
  readonly #courier: Pick<Courier, "schedule">;
  readonly #knows: (channel: string) => boolean;

  /** @param knows whether a channel of that name is configured, for all that this caller knows */
  constructor(queue: Queue, courier: Pick<Courier, "schedule">, knows: (channel: string) => boolean) {
    this.#queue = queue;
    this.#courier = courier;
    this.#knows = knows;
  }

  /** What became of entries, as far as is known now. */
  outcomes(entries: readonly Entry[]): Outcome[] {
    const view = this.#view();
    // What nobody needed is nobody's news.
    const told = entries.filter(({ id }) => this.#queue.state.finalState(id)?.state !== "cancelled");
    return told.map((entry) => this.#outcome(entry, view));
  }

  #outcome(known: Entry, view: View): Outcome {
    const where = whereOf(known);
    const { id, channel } = known;
    const settlement = this.#queue.state.finalState(id);
    if (settlement?.state === "delivered") return { ...where, state: "delivered", receipt: settlement.receipt };
    if (settlement?.state === "superseded") {
      return { ...where, state: "superseded", reason: `${settlement.by} with the same key took its place` };
    }
    const entry = this.#queue.state.entry(id);
    if (entry === undefined) return { ...where, state: "dead", reason: "It was dropped from the queue" };
    if (entry.dead) return { ...where, state: "dead", reason: entry.dead.reason };
    const { reason, next } = this.#waitOf(entry, view);
    const state = this.#queue.state.entryState(entry) === "held" ? "held" : "queued";
    return {
      ...where,
      state,
      reason: this.#knows(channel) ? reason : `Channel "${channel}" is not configured here`,
      next,
    };
  }

  /** The entries of the queue, the dead included. */
  entries(): QueuedEntry[] {
    const view = this.#view();
    return this.#queue.state.entries().map((entry) => this.#queued(entry, view));
  }

  /** Why the first entry in line waits, and until when; whether an entry waits because its user wants it so, and whether it waits for another one. */
  waits(): { readonly first: WaitView; isWanted(entry: Entry): boolean; isPendingFallback(entry: Entry): boolean } {
    const view = this.#view();
    const isPendingFallback = (entry: Entry) => view.delays.isPendingFallback(entry);
    const first = this.#queue.state.liveEntries().find((entry) => !isPendingFallback(entry));
    return {
      isPendingFallback,
      first: first ? this.#waitOf(first, view) : {},
      isWanted: (entry) => view.delays.of(entry) !== undefined,
    };
  }

  #queued(entry: Entry, view: View): QueuedEntry {
    const { id, channel, destination, time, expires, key, attempts, dead, members, fallbackFor } = entry;
    const { reason, next } = dead ? { reason: dead.reason } : this.#waitOf(entry, view);
    return {
      id,
      state: this.#queue.state.entryState(entry),
      channel,
      destination,
      time,
      expires,
      key,
      attempts,
      reason,
      next,
      // The queue keeps notifications as opaque JSON; what it gives back is what the notifier gave it.
      notification: members
        ? withoutItems(toBatch(members, (member) => this.#queue.state.findIncident(member)))
        : entry.notification as Notification,
      ...(fallbackFor ? { fallbackFor: Object.keys(fallbackFor) } : {}),
      ...(members ? { members: members.map((member) => this.#queued(member, view)) } : {}),
    };
  }

  #view(): View {
    const heads = new Map<string, Entry>();
    for (const entry of this.#queue.state.liveEntries()) {
      if (!heads.has(laneKey(entry))) heads.set(laneKey(entry), entry);
    }
    const schedule = this.#courier.schedule();
    return { ready: schedule.readyTimes(), delays: schedule.delays, heads };
  }

  /** A member waits for what its digest waits for, and everybody for what the first in the lane waits for; what its user wants counts where it lasts longer. */
  #waitOf(entry: Entry, { ready, delays, heads }: View): WaitView {
    const leaving = this.#queue.state.findBatch(entry.id) ?? entry;
    const wait = leaving.wait ?? this.#queue.state.channelState(entry.channel).wait ?? heads.get(laneKey(entry))?.wait;
    const hold = this.#queue.state.entryState(entry) === "held" ? undefined : delays.of(leaving);
    const inLane = ready.get(laneKey(entry)) || wait?.next || 0;
    if (hold === undefined || hold.until < (wait?.next ?? 0)) {
      return { reason: wait?.reason, next: inLane || undefined };
    }
    return { reason: hold.reason, next: Math.max(hold.until, inLane) };
  }
}

/** What holds for the lanes at one moment. */
interface View {
  readonly ready: ReadonlyMap<string, number>;
  readonly delays: Delays;
  /** The first of each lane: the others wait behind it. */
  readonly heads: ReadonlyMap<string, Entry>;
}

/** Why an entry waits, and until when. */
export interface WaitView {
  readonly reason?: string;
  /** Milliseconds since 1970. */
  readonly next?: number;
}

/** What becomes of a notification that a rule lets go nowhere. */
export function mutedOutcomes(rule: string, { channels }: Routing, { uuid }: Pick<Runtime, "uuid">): Outcome[] {
  return channels.flatMap(({ name, destinations }) =>
    destinations.map((destination): Outcome => {
      return { id: uuid(), channel: name, destination, state: "muted", reason: `${rule} lets it go nowhere` };
    })
  );
}

/** What every outcome of an entry says. */
export function whereOf(
  { id, channel, destination, attachmentIndex, notification }: Pick<
    Entry,
    "id" | "channel" | "destination" | "attachmentIndex" | "notification"
  >,
): Pick<Outcome, "id" | "channel" | "destination" | "file"> {
  const where = { id, channel, destination };
  return attachmentIndex !== undefined && isNotification(notification)
    ? { ...where, file: notification.file?.name }
    : where;
}

/** What became of an attempt. */
export function attemptOutcome({ entry, result }: CourierEvent): Outcome {
  const where = whereOf(entry);
  if (result.state === "delivered") return { ...where, state: "delivered", receipt: result.receipt };
  if (result.state === "dead") return { ...where, state: "dead", reason: result.reason };
  return {
    ...where,
    state: result.class === "credentials" ? "held" : "queued",
    reason: result.reason,
    next: result.next,
  };
}
