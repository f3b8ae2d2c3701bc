/**
 * Symbols in subjects. They are put in at the one door that everything said goes through on its way out, so that no channel kind has to know of them, and
 * that `queue list`, routing and the queue itself keep what the caller said: the configuration may change while something waits.
 *
 * @module
 */

import { createBatch, isBatch } from "../notification/batch.ts";
import type { Notification } from "../notification/notification.ts";
import { replaceShortcodes } from "../notification/shortcodes.ts";
import type { Channel, Envelope, SendOptions } from "./channel.ts";

/** A notification as people are to see it: with symbols in its subject in place of their names. */
export function withShortcodes(notification: Notification): Notification {
  if (isBatch(notification)) {
    const items = notification.items.map((item) => ({ ...item, notification: withShortcodes(item.notification) }));
    return createBatch(items);
  }
  return { ...notification, subject: replaceShortcodes(notification.subject) };
}

/** The same channel, which sends subjects with symbols. Everything but the sending is the channel's own, whatever that comes to be. */
export function sendWithShortcodes(channel: Channel): Channel {
  function send(envelope: Envelope, options: SendOptions) {
    return channel.send({ ...envelope, notification: withShortcodes(envelope.notification) }, options);
  }
  return new Proxy(channel, {
    get(target, key) {
      if (key === "send") return send;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
