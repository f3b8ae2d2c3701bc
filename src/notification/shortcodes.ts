/**
 * Symbols by their names, as the RouterOS scripts that this program descends from have them: `:warning-sign: Disk full` is shown as `⚠️ Disk full`. A name is
 * ASCII wherever a symbol may get lost: in a RouterOS script, in a crontab, through `ssh`. Pure.
 *
 * @module
 */

/** The symbols by their names; those that are text by default carry the selector that makes them emoji (Unicode Technical Standard 51). */
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

/** A name that begins or ends within a word is none: `sfp1:link:down` says something else. */
const NAME_REGEXP = /(?<!\w):([a-z]+(?:-[a-z]+)*):(?!\w)/g;

/**
 * Replaces the names of symbols; a name that nobody knows stays as it is.
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
