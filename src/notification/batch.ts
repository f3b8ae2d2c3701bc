/**
 * A batch: several notifications in one message. `delivery/batching.ts` decides which entries
 * become a batch. `channels/batch_message.ts` renders a batch. No side effects.
 *
 * @module
 */

import { formatCount } from "../base/count.ts";
import type { Replaced } from "../queue/record.ts";
import { type Notification, SEVERITIES } from "./notification.ts";
import { formatTime } from "../base/time.ts";

/** A notification that is part of a batch (several notifications in one message). */
export interface BatchItem {
  /** The id of the entry. */
  readonly id: string;
  readonly notification: Notification;
  /** The earlier notifications that this notification replaced in the queue. */
  readonly replaced?: Replaced;
}

/**
 * A notification that combines other notifications. Each channel renders `items` in its own way.
 * The field `message` contains only the subjects of the items.
 */
export interface Batch extends Notification {
  readonly items: readonly BatchItem[];
  /** `lines`: the message has only one line for each item, and a file has the full texts. */
  readonly style?: "lines";
}

/** Returns true if a notification is a batch. */
export function isBatch(notification: Notification): notification is Batch {
  return "items" in notification;
}

/** Converts a batch to an ordinary notification by removing the list `items`. */
export function withoutItems(notification: Notification): Notification {
  if (!isBatch(notification)) return notification;
  const { items: _, style: __, ...rest } = notification;
  return rest;
}

/**
 * Creates a batch. The batch has the highest severity and the oldest time of its items. The batch
 * is silent only if all items are silent. The batch mentions the users that its items mention.
 * Mentions in silent items are left out.
 *
 * @param items the items; at least one
 */
export function createBatch(
  items: readonly BatchItem[],
  { style, attachments }: Pick<Batch, "style" | "attachments"> = {},
): Batch {
  const all = items.map(({ notification }) => notification);
  const time = all.reduce((oldest, { time }) => Math.min(oldest, time), Infinity);
  const mentions = [...new Set(all.flatMap((one) => one.silent ? [] : one.mentions ?? []))];
  return {
    subject: `${formatCount(all.length, "notification")} since ${formatTime(time)}`,
    message: all.map(({ subject }) => subject).join("\n"),
    format: "text",
    silent: all.every(({ silent }) => silent),
    severity: SEVERITIES.findLast((severity) => all.some((one) => one.severity === severity)) ?? "info",
    time,
    expires: all.reduce((latest, { expires }) => Math.max(latest, expires), 0),
    ...(mentions.length === 0 ? {} : { mentions }),
    ...(attachments === undefined ? {} : { attachments }),
    ...(style === undefined ? {} : { style }),
    items,
  };
}
