/** Results for callers: an outcome for each envelope, and the entries of the queue. */

import type { Routing } from "../routing/route.ts";
import { toBatch } from "../delivery/attempt.ts";
import type { Courier, CourierEvent } from "../delivery/courier.ts";
import type { Delays } from "../delivery/delays.ts";
import { withoutItems } from "../notification/batch.ts";
import { isNotification, type Notification } from "../notification/notification.ts";
import { type Entry, laneKey } from "../queue/entry.ts";
import type { Queue } from "../queue/queue.ts";
import type { Runtime } from "../runtime/runtime.ts";

/** The envelope that an {@linkcode Outcome} is about. */
export interface OutcomeTarget {
  /** The entry's id. Matrix channels send it as the transaction id. */
  readonly id: string;
  /** The channel's name. */
  readonly channel: string;
  /** Where the channel delivers: a room, a topic, a chat, a mailbox. */
  readonly destination: string;
  /** The attachment's file name, if this is an attachment that is sent as a message of its own. */
  readonly file?: string;
}

/** The service accepted the envelope. */
export interface DeliveredOutcome extends OutcomeTarget {
  /** Always `delivered`. */
  readonly state: "delivered";
  /**
   * The proof of delivery: for Matrix the `event_id`, else the service's own id for the message.
   */
  readonly receipt: string;
}

/** The envelope is on disk and will be delivered later. */
export interface PendingOutcome extends OutcomeTarget {
  /**
   * `queued`: waits for its turn, a retry or a delay. `held`: waits until its channel's account or
   * settings are fixed.
   */
  readonly state: "queued" | "held";
  /** Why it is not delivered yet; absent before the first attempt. */
  readonly reason?: string;
  /** When the next attempt is due, milliseconds since 1970; absent if it is due now. */
  readonly next?: number;
}

/** The envelope will not be delivered. */
export interface FailedOutcome extends OutcomeTarget {
  /**
   * `dead`: rejected for good, expired or dropped. `superseded`: a newer notification with the same
   * key replaced it. `refused`: the queue could not store it, and one attempt without the queue
   * failed. `muted`: a rule sends it nowhere.
   */
  readonly state: "dead" | "superseded" | "refused" | "muted";
  /** Why it will not be delivered. */
  readonly reason: string;
}

/**
 * The result for one envelope, that is, for one notification at one destination. The `state` says
 * which other fields it has.
 *
 * @example Print what did not arrive yet
 * ```ts
 * import type { Outcome } from "@matrix-notify/matrix-notify";
 * import { assertEquals } from "@std/assert";
 *
 * function describe(outcome: Outcome): string {
 *   return outcome.state === "delivered" ? `delivered as ${outcome.receipt}` : `${outcome.state}: ${outcome.reason}`;
 * }
 *
 * const where = { id: "1", channel: "matrix", destination: "!room:example.org" };
 * assertEquals(describe({ ...where, state: "delivered", receipt: "$event" }), "delivered as $event");
 * assertEquals(describe({ ...where, state: "dead", reason: "M_TOO_LARGE" }), "dead: M_TOO_LARGE");
 * ```
 */
export type Outcome = DeliveredOutcome | PendingOutcome | FailedOutcome;

/** What the entries of the queue have in common; see {@linkcode QueuedEntry}. */
export interface EntryDetails {
  /** The entry's id. Matrix channels send it as the transaction id. */
  readonly id: string;
  /** The channel's name. */
  readonly channel: string;
  /** Where the channel delivers: a room, a topic, a chat, a mailbox. */
  readonly destination: string;
  /** When it was queued, milliseconds since 1970. */
  readonly time: number;
  /** When it becomes a dead letter if it is still not delivered, milliseconds since 1970. */
  readonly expires: number;
  /** The key of the incident that it belongs to, as the caller gave it. */
  readonly key?: string;
  /** How many attempts were made. */
  readonly attempts: number;
  /** The notification; for a batch, the text that the batch will have. */
  readonly notification: Notification;
  /**
   * Ids of the entries that this fallback replaces: it is sent only if they are not delivered in
   * time.
   */
  readonly fallbackFor?: readonly string[];
  /**
   * The notifications of a batch. They are delivered together, in one message with the batch's id.
   */
  readonly members?: readonly QueuedEntry[];
}

/** An entry that will be delivered. */
export interface LiveEntry extends EntryDetails {
  /**
   * `queued`: not tried yet. `deferred`: tried, and will be tried again. `held`: its channel must
   * be fixed first.
   */
  readonly state: "queued" | "deferred" | "held";
  /** Why it waits; absent before the first attempt. */
  readonly reason?: string;
  /** When the next attempt is due, milliseconds since 1970; absent if it is due now. */
  readonly next?: number;
}

/** A dead letter. It stays in the queue until it is retried or dropped. */
export interface DeadEntry extends EntryDetails {
  /** Always `dead`. */
  readonly state: "dead";
  /** Why it was given up. */
  readonly reason: string;
}

/** An entry of the queue. The `state` says which other fields it has. */
export type QueuedEntry = LiveEntry | DeadEntry;

/** Describes the queue to callers. */
export class Reporter {
  readonly #queue: Queue;
  readonly #courier: Pick<Courier, "schedule">;
  readonly #isConfigured: (channel: string) => boolean;

  /** @param isConfigured whether this process has a channel of that name */
  constructor(
    queue: Queue,
    courier: Pick<Courier, "schedule">,
    isConfigured: (channel: string) => boolean,
  ) {
    this.#queue = queue;
    this.#courier = courier;
    this.#isConfigured = isConfigured;
  }

  /** The outcomes of entries that this process watches. Cancelled fallbacks are left out. */
  outcomes(entries: readonly Entry[]): Outcome[] {
    const view = this.#view();
    const reported = entries.filter(({ id }) => this.#queue.state.finalState(id)?.state !== "cancelled");
    return reported.map((entry) => this.#outcome(entry, view));
  }

  #outcome(known: Entry, view: LaneView): Outcome {
    const target = outcomeTarget(known);
    const finalState = this.#queue.state.finalState(known.id);
    if (finalState?.state === "delivered") return { ...target, state: "delivered", receipt: finalState.receipt };
    if (finalState?.state === "superseded") {
      return { ...target, state: "superseded", reason: `${finalState.by} with the same key replaced it` };
    }
    const entry = this.#queue.state.entry(known.id);
    if (entry === undefined) return { ...target, state: "dead", reason: "It was dropped from the queue" };
    if (entry.dead) return { ...target, state: "dead", reason: entry.dead.reason };
    const { reason, next } = this.#findWait(entry, view);
    return {
      ...target,
      state: this.#queue.state.entryState(entry) === "held" ? "held" : "queued",
      reason: this.#isConfigured(known.channel) ? reason : `Channel "${known.channel}" is not configured here`,
      next,
    };
  }

  /** The entries of the queue in the order in which they were queued, dead letters included. */
  entries(): QueuedEntry[] {
    const view = this.#view();
    return this.#queue.state.entries().map((entry) => this.#describeEntry(entry, view));
  }

  /**
   * Why the first live entry waits, and how to tell delays that the user configured and pending
   * fallbacks.
   */
  waits(): { readonly first: WaitView; isDelayed(entry: Entry): boolean; isPendingFallback(entry: Entry): boolean } {
    const view = this.#view();
    const isPendingFallback = (entry: Entry) => view.delays.isPendingFallback(entry);
    const first = this.#queue.state.liveEntries().find((entry) => !isPendingFallback(entry));
    return {
      isPendingFallback,
      first: first ? this.#findWait(first, view) : {},
      isDelayed: (entry) => view.delays.of(entry) !== undefined,
    };
  }

  #describeEntry(entry: Entry, view: LaneView): QueuedEntry {
    const { id, channel, destination, time, expires, key, attempts, dead, members, fallbackFor } = entry;
    const state = this.#queue.state.entryState(entry);
    // The order of the fields is that of `--json`.
    const fields = { channel, destination, time, expires, key, attempts };
    const rest = {
      // The queue stores notifications as opaque JSON that the notifier gave it.
      notification: members
        ? withoutItems(toBatch(members, (member) => this.#queue.state.findIncident(member)))
        : entry.notification as Notification,
      ...(fallbackFor ? { fallbackFor: Object.keys(fallbackFor) } : {}),
      ...(members ? { members: members.map((member) => this.#describeEntry(member, view)) } : {}),
    };
    if (dead || state === "dead") return { id, state: "dead", ...fields, reason: dead?.reason ?? "", ...rest };
    return { id, state, ...fields, ...this.#findWait(entry, view), ...rest };
  }

  #view(): LaneView {
    const heads = new Map<string, Entry>();
    for (const entry of this.#queue.state.liveEntries()) {
      if (!heads.has(laneKey(entry))) heads.set(laneKey(entry), entry);
    }
    const schedule = this.#courier.schedule();
    return { ready: schedule.readyTimes(), delays: schedule.delays, heads };
  }

  /**
   * Finds why an entry waits and until when. A batch's member inherits the batch's wait. Any other
   * entry inherits that of the first entry in its lane. A delay that the user configured counts if
   * it ends later.
   */
  #findWait(entry: Entry, { ready, delays, heads }: LaneView): WaitView {
    const leaving = this.#queue.state.findBatch(entry.id) ?? entry;
    const wait = leaving.wait ?? this.#queue.state.channelState(entry.channel).wait ?? heads.get(laneKey(entry))?.wait;
    const delay = this.#queue.state.entryState(entry) === "held" ? undefined : delays.of(leaving);
    const inLane = ready.get(laneKey(entry)) || wait?.next || 0;
    if (delay === undefined || delay.until < (wait?.next ?? 0)) {
      return { reason: wait?.reason, next: inLane || undefined };
    }
    return { reason: delay.reason, next: Math.max(delay.until, inLane) };
  }
}

/** The lanes at one moment. */
interface LaneView {
  /** When each lane may send again, milliseconds since 1970. */
  readonly ready: ReadonlyMap<string, number>;
  readonly delays: Delays;
  /** The first entry of each lane. The others wait behind it. */
  readonly heads: ReadonlyMap<string, Entry>;
}

/** Why an entry waits, and until when. */
export interface WaitView {
  readonly reason?: string;
  /** Milliseconds since 1970. */
  readonly next?: number;
}

/**
 * Returns the outcomes of a notification that a rule mutes: one for each destination that it would
 * have gone to.
 */
export function mutedOutcomes(rule: string, { channels }: Routing, { uuid }: Pick<Runtime, "uuid">): Outcome[] {
  return channels.flatMap(({ name, destinations }) =>
    destinations.map((destination): Outcome => {
      return { id: uuid(), channel: name, destination, state: "muted", reason: `${rule} mutes it` };
    })
  );
}

/** Returns the fields that every outcome of an entry has. */
export function outcomeTarget(
  { id, channel, destination, attachmentIndex, notification }: Pick<
    Entry,
    "id" | "channel" | "destination" | "attachmentIndex" | "notification"
  >,
): OutcomeTarget {
  const target = { id, channel, destination };
  return attachmentIndex !== undefined && isNotification(notification)
    ? { ...target, file: notification.file?.name }
    : target;
}

/** Turns the result of an attempt into an outcome. */
export function attemptOutcome({ entry, result }: CourierEvent): Outcome {
  const target = outcomeTarget(entry);
  if (result.state === "delivered") return { ...target, state: "delivered", receipt: result.receipt };
  if (result.state === "dead") return { ...target, state: "dead", reason: result.reason };
  return {
    ...target,
    state: result.class === "credentials" ? "held" : "queued",
    reason: result.reason,
    next: result.next,
  };
}
