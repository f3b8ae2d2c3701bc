/**
 * Plans notifications: decides the channels and destinations of each notification.
 *
 * ```text
 * plan    input -> createNotification -> route: rules, fallbacks, open incidents -> envelopes
 *                                        a channel has a mistake -> undecided envelope
 * decide  undecided entry, and the mistake is fixed -> route again -> entries with destinations
 * ```
 *
 * The file `undecided.ts` describes the notifications without known destinations.
 *
 * @module
 */

import { withFullText } from "../delivery/attempt.ts";
import { createNotification, type Notification, type NotificationInput } from "../notification/notification.ts";
import type { EnqueueRequest } from "../queue/change_records.ts";
import { type Entry, laneKey } from "../queue/entry.ts";
import { type Lane, type Plan, route, type RouteOptions } from "../routing/route.ts";
import { EVERY_CHANNEL } from "../routing/rule.ts";
import { type Caller, toEnqueueRequests } from "./enqueue_requests.ts";
import { findChannelsThatCut } from "./full_text.ts";
import { decide, type DecideOptions, substituteChannels, withUndecided } from "./undecided.ts";
import type { NotifierParts } from "./wiring.ts";

/** The options that choose the destinations. */
export type PlanOptions = RouteOptions & Pick<Caller, "sender">;

/** The parts of a notifier that a {@linkcode Planner} uses. */
export type PlannerParts = Pick<
  NotifierParts,
  "queue" | "channels" | "routing" | "mistakes" | "runtime" | "files"
>;

/** Plans notifications with the rules of a configuration. */
export class Planner {
  readonly #parts: PlannerParts;

  constructor(parts: PlannerParts) {
    this.#parts = parts;
  }

  /**
   * Checks a notification, and chooses its channels and destinations. Does not read its attachments
   * or write to the queue.
   *
   * @throws {InvalidNotificationError} if an option of the notification is wrong
   * @throws {ConfigError} if no channel is configured
   */
  plan(input: NotificationInput, options: PlanOptions = {}, warn?: (text: string) => void): Plan {
    return this.#route(createNotification(input, this.#parts.runtime.now(), warn), options);
  }

  /**
   * Returns true if an incident with the key of the notification is open at any destination of the
   * notification.
   */
  hasOpenIncident(input: NotificationInput, options: PlanOptions = {}): boolean {
    if (input.key === undefined) return false;
    this.#parts.queue.refresh();
    const resolving = { ...input, resolves: true };
    const notification = createNotification(resolving, this.#parts.runtime.now());
    const openLanes = new Set(this.#findOpenIncidents(notification, options).map(laneKey));
    return this.plan(resolving, options).envelopes.some((envelope) => openLanes.has(laneKey(envelope)));
  }

  /**
   * Decides the destinations of entries that were queued while the configuration had a mistake.
   * Skips an entry while the mistake remains.
   *
   * @returns the decided entries, by the id of the undecided entry
   * @throws {StorageError} if the queue cannot be written; the undecided entries then remain
   */
  decide(): Promise<ReadonlyMap<string, readonly Entry[]>> {
    const { queue, channels, mistakes } = this.#parts;
    return decide({
      queue,
      isFixed: ({ channel }) => channel === EVERY_CHANNEL ? mistakes.failure === undefined : channels.has(channel),
      toRequests: (notification, options) => this.#planAgain(notification, options),
    });
  }

  /** Plans the notification of an undecided entry. Its attachments are already stored. */
  async #planAgain(
    { attachments = [], fullText: file, ...text }: Notification,
    options: DecideOptions,
  ): Promise<readonly EnqueueRequest[]> {
    const { channels, files } = this.#parts;
    const { fullText: _, ...whole } = await withFullText({ ...text, fullText: file }, files);
    const plan = this.#route(whole, options);
    if (attachments.length === 0 && file === undefined) return toEnqueueRequests(plan, options);
    const { splitPlan } = await import("./staged_attachments.ts");
    return toEnqueueRequests(
      splitPlan(plan, {
        attachments: attachments.filter(({ content }) => content !== file?.content),
        fullText: file && { file, channels: await findChannelsThatCut(plan, channels) },
      }, channels),
      options,
    );
  }

  #route(notification: Notification, options: PlanOptions): Plan {
    const { routing, channels, mistakes } = this.#parts;
    const substitutes = substituteChannels(mistakes, routing.channels, options);
    const plan = route(notification, {
      ...routing,
      channels: [...routing.channels, ...substitutes],
      openIncidents: this.#findOpenIncidents(notification, options),
    }, options);
    if (substitutes.length === 0) return plan;
    return withUndecided(plan, { usable: new Set(channels.keys()), notification, room: options.room });
  }

  /**
   * Finds each channel and destination with an open incident that a notification resolves. Uses
   * only the journal records that were already read.
   */
  #findOpenIncidents({ key, resolves, time }: Notification, { sender }: PlanOptions): readonly Lane[] {
    return resolves && key !== undefined ? this.#parts.queue.state.openIncidentLanes({ key, sender }, time) : [];
  }
}
