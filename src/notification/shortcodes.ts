/**
 * Emoji shortcodes in subjects: `:warning-sign: Disk full` is shown as `⚠️ Disk full`. The names
 * come from the RouterOS scripts on which matrix-notify is based. Shortcodes contain only ASCII
 * characters. Therefore they also work in RouterOS scripts, in a crontab and over `ssh`.
 *
 * @module
 */

import { createBatch, isBatch } from "./batch.ts";
import type { Notification } from "./notification.ts";

/**
 * The symbols by name. Some symbols end with an invisible character (a variation selector), so that
 * they are shown as emoji and not as text (Unicode Technical Standard 51).
 */
export const SHORTCODES: Readonly<Record<string, string>> = {
  "abacus": "🧮",
  "alarm-clock": "⏰",
  "arrow-down": "⬇️",
  "arrow-up": "⬆️",
  "calendar": "📅",
  "card-file-box": "🗃️",
  "chart-decreasing": "📉",
  "chart-increasing": "📈",
  "cloud": "☁️",
  "cross-mark": "❌",
  "earth": "🌍",
  "fire": "🔥",
  "floppy-disk": "💾",
  "gear": "⚙️",
  "heart": "♥️",
  "high-voltage-sign": "⚡",
  "incoming-envelope": "📨",
  "information": "ℹ️",
  "large-orange-circle": "🟠",
  "large-red-circle": "🔴",
  "link": "🔗",
  "lock-with-ink-pen": "🔏",
  "memo": "📝",
  "mobile-phone": "📱",
  "pushpin": "📌",
  "scissors": "✂️",
  "scroll": "📜",
  "smiley-partying-face": "🥳",
  "smiley-smiling-face": "☺️",
  "smiley-winking-face-with-tongue": "😜",
  "sparkles": "✨",
  "speech-balloon": "💬",
  "star": "⭐",
  "warning-sign": "⚠️",
  "white-heavy-check-mark": "✅",
};

/**
 * Matches a shortcode. A shortcode must not begin or end inside a word: `sfp1:link:down` does not
 * contain a shortcode.
 */
const NAME_REGEXP = /(?<!\w):([a-z]+(?:-[a-z]+)*):(?!\w)/g;

/**
 * Replaces shortcodes by symbols. Unknown shortcodes are not changed.
 *
 * @example
 * ```ts
 * import { replaceShortcodes } from "./shortcodes.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(replaceShortcodes(":scroll::warning-sign: License"), "📜⚠️ License");
 * assertEquals(replaceShortcodes(":unicorn: License"), ":unicorn: License");
 * ```
 */
export function replaceShortcodes(text: string): string {
  return text.replace(NAME_REGEXP, (whole, name) => Object.hasOwn(SHORTCODES, name) ? SHORTCODES[name] : whole);
}

/**
 * Replaces the shortcodes in the subject of a notification. In a batch (several notifications in
 * one message), also replaces the shortcodes in the subject of each notification.
 */
export function withShortcodes(notification: Notification): Notification {
  if (isBatch(notification)) {
    const items = notification.items.map((item) => ({ ...item, notification: withShortcodes(item.notification) }));
    return createBatch(items, notification);
  }
  const subject = replaceShortcodes(notification.subject);
  return subject === notification.subject ? notification : { ...notification, subject };
}
