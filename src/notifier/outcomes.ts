/**
 * The results for callers: an outcome for each envelope (one notification for one destination), and
 * the entries of the queue.
 */

import type { Routing } from "../routing/route.ts";
import { toBatch } from "../delivery/attempt.ts";
import { type CourierEvent, isFullTextFile } from "../delivery/attempt_group.ts";
import type { Courier } from "../delivery/courier.ts";
import type { Schedule } from "../delivery/schedule.ts";
import { withoutItems } from "../notification/batch.ts";
import { isNotification, type Notification } from "../notification/notification.ts";
import { type Entry, type EntryState, isUndecided, notificationOf } from "../queue/entry.ts";
import { firstOf } from "../queue/lane_index.ts";
import type { Queue } from "../queue/queue.ts";
import type { Runtime } from "../runtime/runtime.ts";

/** The envelope that an {@linkcode Outcome} is about. */
export interface OutcomeTarget {
  /** The id of the entry. Matrix channels use this id as the transaction id. */
  readonly id: string;
  /** The channel's name. */
  readonly channel: string;
  /** The destination: a room, a topic, a chat or a mailbox. */
  readonly destination: string;
  /** The file name of the attachment, if the envelope is a separate message with an attachment. */
  readonly file?: string;
}

/** The service accepted the envelope. */
export interface DeliveredOutcome extends OutcomeTarget {
  /** Always `delivered`. */
  readonly state: "delivered";
  /**
   * The proof of delivery. For Matrix, this is the `event_id`; for other services, the message id
   * of the service.
   */
  readonly receipt: string;
}

/** The envelope is on disk and will be delivered later. */
export interface PendingOutcome extends OutcomeTarget {
  /**
   * `queued`: the envelope waits for older entries, for the next attempt or for the end of a delay.
   * `held`: the envelope waits until a person fixes the account or the settings of its channel.
   */
  readonly state: "queued" | "held";
  /** The reason why the envelope is not delivered yet. Absent until an attempt has failed. */
  readonly reason?: string;
  /** The time of the next attempt, in milliseconds since 1970. Absent if the attempt is due now. */
  readonly next?: number;
}

/** The envelope will not be delivered. */
export interface FailedOutcome extends OutcomeTarget {
  /**
   * - `dead`: the envelope was rejected permanently, or expired; it is kept as a dead letter
   * - `dropped`: another process removed the envelope from the queue
   * - `superseded`: a newer notification with the same key replaced the envelope
   * - `refused`: the queue could not store the envelope, and one attempt without the queue failed
   * - `muted`: a rule suppresses the notification
   */
  readonly state: "dead" | "dropped" | "superseded" | "refused" | "muted";
  /** The reason why the envelope will not be delivered. */
  readonly reason: string;
}

/**
 * The result for one envelope, which is one notification for one destination. The other fields
 * depend on `state`.
 *
 * @example Describe an outcome
 * ```ts
 * import type { Outcome } from "@matrix-notify/matrix-notify";
 * import { assertEquals } from "@std/assert";
 *
 * function describe(outcome: Outcome): string {
 *   if (outcome.state === "delivered") return `delivered as ${outcome.receipt}`;
 *   return outcome.reason === undefined ? outcome.state : `${outcome.state}: ${outcome.reason}`;
 * }
 *
 * const where = { id: "1", channel: "matrix", destination: "!room:example.org" };
 * assertEquals(describe({ ...where, state: "delivered", receipt: "$event" }), "delivered as $event");
 * assertEquals(describe({ ...where, state: "dead", reason: "M_TOO_LARGE" }), "dead: M_TOO_LARGE");
 * ```
 */
export type Outcome = DeliveredOutcome | PendingOutcome | FailedOutcome;

/** The fields that every entry of the queue has; see {@linkcode QueuedEntry}. */
export interface EntryDetails {
  /** The id of the entry. Matrix channels use this id as the transaction id. */
  readonly id: string;
  /** The channel's name. */
  readonly channel: string;
  /** The destination: a room, a topic, a chat or a mailbox. */
  readonly destination: string;
  /** The time when the entry was queued, in milliseconds since 1970. */
  readonly time: number;
  /**
   * The expiry time, in milliseconds since 1970. An entry that is not delivered by then becomes a
   * dead letter.
   */
  readonly expires: number;
  /** The key of the incident that the entry belongs to, as given by the caller. */
  readonly key?: string;
  /**
   * The sender, such as `socket nut`, if `serve` received the notification. Absent if this user
   * sent it.
   */
  readonly sender?: string;
  /** The number of attempts so far. */
  readonly attempts: number;
  /** The notification. For a batch, this is a notification with the text of the batch. */
  readonly notification: Notification;
  /** The ids of the entries that this fallback replaces if they are not delivered in time. */
  readonly fallbackFor?: readonly string[];
  /**
   * The members of a batch. All members are delivered together, in one message with the id of the
   * batch.
   */
  readonly members?: readonly QueuedEntry[];
}

/** An entry that will be delivered. */
export interface LiveEntry extends EntryDetails {
  /**
   * `queued`: no attempt was made yet. `deferred`: an attempt failed, and the entry will be tried
   * again. `held`: a person must first fix the channel.
   */
  readonly state: "queued" | "deferred" | "held";
  /** The reason why the entry waits. Absent until an attempt has failed. */
  readonly reason?: string;
  /** The time of the next attempt, in milliseconds since 1970. Absent if the attempt is due now. */
  readonly next?: number;
}

/**
 * A dead letter: an entry that is no longer tried. The entry stays in the queue until it is retried
 * or dropped.
 */
export interface DeadEntry extends EntryDetails {
  /** Always `dead`. */
  readonly state: "dead";
  /** The reason why matrix-notify no longer tries the entry. */
  readonly reason: string;
}

/** An entry of the queue. The other fields depend on `state`. */
export type QueuedEntry = LiveEntry | DeadEntry;

/** Creates the outcomes and the lists of entries that callers get. */
export class Reporter {
  readonly #queue: Queue;
  readonly #courier: Pick<Courier, "schedule">;
  readonly #findObstacle: (entry: Entry) => Obstacle | undefined;

  /** @param findObstacle returns the reason why this process cannot send an entry */
  constructor(
    queue: Queue,
    courier: Pick<Courier, "schedule">,
    findObstacle: (entry: Entry) => Obstacle | undefined,
  ) {
    this.#queue = queue;
    this.#courier = courier;
    this.#findObstacle = findObstacle;
  }

  /**
   * Returns the outcomes of the entries of a call. Cancelled entries are left out, except entries
   * that another process replaced after the configuration was fixed.
   */
  outcomes(entries: readonly Entry[]): Outcome[] {
    const schedule = this.#courier.schedule();
    return entries.filter((entry) => isMoved(entry) || !this.#isCancelled(entry)).map((entry) =>
      this.#outcome(entry, schedule)
    );
  }

  /**
   * Returns true if an entry was cancelled. Only two kinds of entries can be cancelled: fallbacks,
   * and entries that send the whole text of a message as a file. If another process has compacted
   * the journal, the final state of an entry can be unknown. An entry of these two kinds then
   * counts as cancelled if it is not in the queue any more.
   */
  #isCancelled(entry: Entry): boolean {
    const finalState = this.#queue.state.finalState(entry.id);
    if (finalState !== undefined) return finalState.state === "cancelled";
    if (this.#queue.state.entry(entry.id) !== undefined) return false;
    return entry.fallbackFor !== undefined || isFullTextFile(entry);
  }

  #outcome(known: Entry, schedule: Schedule): Outcome {
    const target = outcomeTarget(known);
    const finalState = this.#queue.state.finalState(known.id);
    if (finalState?.state === "delivered") return { ...target, state: "delivered", receipt: finalState.receipt };
    if (finalState?.state === "superseded") {
      return { ...target, state: "superseded", reason: `${finalState.by} with the same key replaced it` };
    }
    if (finalState?.state === "cancelled") {
      return {
        ...target,
        state: "queued",
        reason: "The configuration was fixed: another process delivers the notification",
      };
    }
    const entry = this.#queue.state.entry(known.id);
    if (entry === undefined) {
      // The final state is unknown if another process compacted the journal. If the entry has a
      // key, a newer notification with this key probably replaced it.
      return known.key !== undefined && finalState === undefined
        ? { ...target, state: "superseded", reason: "A newer notification with the same key replaced it" }
        : { ...target, state: "dropped", reason: "It was dropped from the queue" };
    }
    if (entry.dead) return { ...target, state: "dead", reason: entry.dead.reason };
    const { reason, next } = this.#findWait(entry, schedule);
    return { ...target, state: this.#stateOf(entry) === "held" ? "held" : "queued", reason, next };
  }

  /**
   * Returns the state of an entry. The state is `held` if a mistake in the configuration stops the
   * entry.
   */
  #stateOf(entry: Entry): EntryState {
    return !entry.dead && this.#findObstacle(entry)?.isMistake ? "held" : this.#queue.state.entryState(entry);
  }

  /**
   * Describes entries of the queue.
   *
   * @param entries the default is all entries, including dead letters, in the order in which they
   * were queued
   */
  describe(entries: readonly Entry[] = this.#queue.state.entries()): QueuedEntry[] {
    const schedule = this.#courier.schedule();
    return entries.map((entry) => this.#describeEntry(entry, schedule));
  }

  /**
   * Returns the reason why the first live entry (not a dead letter) waits, and functions that
   * describe any entry. `isDelayed` returns true if the user's configuration delays the entry.
   */
  waits(): {
    readonly first: WaitView;
    isDelayed(entry: Entry): boolean;
    isPendingFallback(entry: Entry): boolean;
    stateOf(entry: Entry): EntryState;
  } {
    const schedule = this.#courier.schedule();
    const isPendingFallback = (entry: Entry) => schedule.delays.isPendingFallback(entry);
    const first = this.#queue.state.eachLive().find((entry) => !isPendingFallback(entry));
    return {
      isPendingFallback,
      first: first ? this.#findWait(first, schedule) : {},
      isDelayed: (entry) => schedule.delays.of(entry) !== undefined,
      stateOf: (entry) => this.#stateOf(entry),
    };
  }

  #describeEntry(entry: Entry, schedule: Schedule): QueuedEntry {
    const { id, channel, destination, time, expires, key, sender, attempts, dead, members, fallbackFor } = entry;
    const state = this.#stateOf(entry);
    // `--json` prints the fields in this order.
    const fields = { channel, destination, time, expires, key, sender, attempts };
    const rest = {
      // The queue stores notifications as JSON, without their type.
      notification: members
        ? withoutItems(toBatch(entry, (member) => this.#queue.state.findIncident(member)))
        : notificationOf(entry) as Notification,
      ...(fallbackFor ? { fallbackFor: Object.keys(fallbackFor) } : {}),
      ...(members ? { members: members.map((member) => this.#describeEntry(member, schedule)) } : {}),
    };
    if (dead || state === "dead") return { id, state: "dead", ...fields, reason: dead?.reason ?? "", ...rest };
    return { id, state, ...fields, ...this.#findWait(entry, schedule), ...rest };
  }

  /**
   * Finds the reason why an entry waits, and the time of its next attempt. A member of a batch
   * waits as long as the batch. Every other entry waits as long as the first entry in its lane
   * (channel and destination). If a delay from the configuration ends later, the result describes
   * the delay.
   */
  #findWait(entry: Entry, schedule: Schedule): WaitView {
    const obstacle = this.#findObstacle(entry);
    if (obstacle?.isMistake) return { reason: obstacle.reason };
    const leaving = this.#queue.state.findBatch(entry.id) ?? entry;
    const { state } = this.#queue;
    const wait = leaving.wait ?? state.channelState(entry.channel).wait ?? firstOf(state.lane(entry))?.wait;
    if (obstacle !== undefined) {
      return { reason: obstacle.reason + (wait === undefined ? "" : `; last failure: ${wait.reason}`) };
    }
    const delay = this.#queue.state.entryState(entry) === "held" ? undefined : schedule.delays.of(leaving);
    const inLane = schedule.readyTime(entry) || wait?.next || 0;
    if (delay === undefined || delay.until < (wait?.next ?? 0)) {
      return { reason: wait?.reason, next: inLane || undefined };
    }
    return { reason: delay.reason, next: Math.max(delay.until, inLane) };
  }
}

/**
 * Returns true if other entries replace this entry when the mistake in the configuration is fixed.
 */
function isMoved(entry: Entry): boolean {
  return isUndecided(entry) && entry.fallbackFor === undefined;
}

/** The reason why this process cannot send an entry. */
export interface Obstacle {
  readonly reason: string;
  /** True if the reason is a mistake in the configuration. */
  readonly isMistake: boolean;
}

/** The reason why an entry waits, and the time of its next attempt. */
export interface WaitView {
  readonly reason?: string;
  /** The time of the next attempt, in milliseconds since 1970. */
  readonly next?: number;
}

/**
 * Returns the outcomes of a notification that a rule mutes: one outcome for each configured
 * destination.
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
  entry: Pick<Entry, "id" | "channel" | "destination" | "attachmentIndex" | "notification">,
): OutcomeTarget {
  const { id, channel, destination, attachmentIndex } = entry;
  const target = { id, channel, destination };
  const notification = attachmentIndex === undefined ? undefined : notificationOf(entry);
  return isNotification(notification) ? { ...target, file: notification.file?.name } : target;
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
