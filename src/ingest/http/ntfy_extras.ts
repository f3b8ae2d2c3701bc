/**
 * The tags, the action buttons and the templates of ntfy (ntfy documentation, "Tags & emojis",
 * "Action buttons" and "Message templating"). A notification has no fields for them, so they become
 * text.
 *
 * @module
 */

import { isTrue, listOf, parseJson, propertyOf, textAt, textOf } from "./values.ts";

/** The fields of an action, by name. */
type Action = Readonly<Record<string, string>>;

/** The maximum number of actions that are shown. ntfy allows three. */
const MAX_ACTIONS = 20;

/**
 * Formats actions, one per line. A button cannot be pressed in a message, but its address can be
 * opened: `→ Open door: https://door.example.org`. The HTTP headers of an action are not shown,
 * because they can contain secrets.
 *
 * @param given a list from JSON, or the text of a header. The text is JSON or the short format.
 */
export function formatActions(given: string | readonly unknown[]): string {
  const actions = typeof given === "string" ? readActions(given) : given;
  const lines = actions.slice(0, MAX_ACTIONS).map((action) => {
    const kind = textAt(action, "action").toLowerCase(), url = textAt(action, "url"), value = textAt(action, "value");
    const method = kind === "http" ? `${textAt(action, "method").toUpperCase() || "POST"} ` : "";
    const target = url === "" ? value : `${method}${url}`;
    const body = textAt(action, "body");
    const cleared = isTrue(propertyOf(action, "clear")) && target === "" ? " (dismiss)" : "";
    const label = textAt(action, "label") || kind;
    return `→ ${[label, target, body].filter((part) => part !== "").join(": ")}${cleared}`;
  });
  return lines.filter((line) => line !== "→ ").join("\n");
}

function readActions(text: string): readonly unknown[] {
  return text.startsWith("[") ? listOf(parseJson(text)) : splitActions(text);
}

/**
 * The names of the first three values of an action. In the short format, these values can come
 * without names. The npm package ntfy sends a fourth value without a name: the `body`.
 */
const POSITIONS = ["action", "label", "url"];

/**
 * Matches one value in the short format: an optional name with an equals sign, then a text with or
 * without quotes, then a comma or a semicolon.
 */
const VALUE_REGEXP =
  /\s*(?:([-.\w]{1,100})\s*=\s*)?(?:"((?:[^"\\]|\\[^])*)"|'((?:[^'\\]|\\[^])*)'|([^,;]*))\s*(?:([,;])|$)/y;

/** Splits the short format: `view, Open, https://example.org, clear=true; http, …`. */
function splitActions(text: string): readonly Action[] {
  const actions: Record<string, string>[] = [];
  let action: Record<string, string> = {};
  for (let position = 0, at = 0; at < text.length; position++) {
    VALUE_REGEXP.lastIndex = at;
    const match = VALUE_REGEXP.exec(text);
    // The rest is not valid, for example because a closing quotation mark is missing. The rest is
    // shown unchanged.
    if (match === null || match[0] === "") {
      return [...actions, action, { label: text.slice(at).trim() }].filter(hasValue);
    }
    const [whole, name, double, single, plain = "", end] = match;
    const value = (double ?? single)?.replace(/\\(["'\\])/g, "$1") ?? plain.trim();
    action[name?.toLowerCase() ?? POSITIONS[position] ?? "body"] = value;
    at += whole.length;
    if (end === ";" || at >= text.length) {
      actions.push(action);
      action = {};
      position = -1;
    }
  }
  return actions.filter(hasValue);
}

function hasValue(action: Action): boolean {
  return Object.values(action).some((value) => value !== "");
}

/** Matches a placeholder with a path: `{{.error.level}}`. */
const PLACEHOLDER_REGEXP = /\{\{-?\s*((?:\.\w{1,100}){1,20})\s*-?\}\}/g;

/**
 * The maximum length of a filled template, in UTF-16 code units. A short template can repeat a long
 * value.
 */
const MAX_FILLED_CHARS = 1024 * 1024;

/**
 * Fills a template with values of JSON. Returns undefined if there is no JSON, or if the result is
 * too long. Only placeholders with paths are supported. For other parts of Go's template language,
 * the function returns undefined.
 */
export function fillTemplate(template: string, json: unknown): string | undefined {
  if (typeof json !== "object" || template.replace(PLACEHOLDER_REGEXP, "").includes("{{")) return undefined;
  let free = MAX_FILLED_CHARS;
  const filled = template.replace(PLACEHOLDER_REGEXP, (_, path: string) => {
    if (free < 0) return "";
    const text = textOf(path.slice(1).split(".").reduce(propertyOf, json));
    free -= text.length;
    return free < 0 ? "" : text;
  });
  return free < 0 ? undefined : filled;
}

/**
 * Emoji by their short names on GitHub. The list contains the names that ntfy's documentation lists
 * as often used, and the names that are useful in alerts.
 */
const EMOJI: Readonly<Record<string, string>> = {
  "+1": "👍",
  "-1": "👎",
  "arrow_down": "⬇️",
  "arrow_forward": "▶️",
  "arrow_up": "⬆️",
  "ballot_box_with_check": "☑️",
  "battery": "🔋",
  "bell": "🔔",
  "boom": "💥",
  "bug": "🐛",
  "calendar": "📅",
  "cd": "💿",
  "chart_with_downwards_trend": "📉",
  "chart_with_upwards_trend": "📈",
  "cloud": "☁️",
  "computer": "💻",
  "construction": "🚧",
  "dog": "🐶",
  "door": "🚪",
  "droplet": "💧",
  "electric_plug": "🔌",
  "email": "📧",
  "exclamation": "❗",
  "facepalm": "🤦",
  "fire": "🔥",
  "floppy_disk": "💾",
  "gear": "⚙️",
  "globe_with_meridians": "🌐",
  "green_circle": "🟢",
  "heart": "❤️",
  "heavy_check_mark": "✔️",
  "horse": "🐴",
  "hourglass": "⌛",
  "house": "🏠",
  "information_source": "ℹ️",
  "key": "🔑",
  "large_blue_circle": "🔵",
  "link": "🔗",
  "lock": "🔒",
  "loudspeaker": "📢",
  "mag": "🔍",
  "memo": "📝",
  "money_with_wings": "💸",
  "mute": "🔇",
  "no_bell": "🔕",
  "no_entry": "⛔",
  "no_entry_sign": "🚫",
  "ok": "🆗",
  "ok_hand": "👌",
  "orange_circle": "🟠",
  "package": "📦",
  "partying_face": "🥳",
  "pushpin": "📌",
  "question": "❓",
  "rainbow": "🌈",
  "recycle": "♻️",
  "red_circle": "🔴",
  "robot": "🤖",
  "rocket": "🚀",
  "rotating_light": "🚨",
  "satellite": "📡",
  "shield": "🛡️",
  "skull": "💀",
  "sos": "🆘",
  "sparkles": "✨",
  "star": "⭐",
  "stop_sign": "🛑",
  "stopwatch": "⏱️",
  "sunny": "☀️",
  "tada": "🎉",
  "test_tube": "🧪",
  "thermometer": "🌡️",
  "thumbsdown": "👎",
  "thumbsup": "👍",
  "triangular_flag_on_post": "🚩",
  "turtle": "🐢",
  "unicorn": "🦄",
  "unlock": "🔓",
  "up": "🆙",
  "video_camera": "📹",
  "warning": "⚠️",
  "wastebasket": "🗑️",
  "white_check_mark": "✅",
  "wrench": "🔧",
  "x": "❌",
  "yellow_circle": "🟡",
  "zap": "⚡",
};

/** Parses a list of tags: `warning, disk`. */
export function parseTags(tags: string): readonly string[] {
  return tags.split(",").map((tag) => tag.trim()).filter((tag) => tag !== "");
}

/** Splits a list of tags into emoji and words. */
export function splitTags(tags: string): { readonly symbols: readonly string[]; readonly words: readonly string[] } {
  const names = parseTags(tags);
  const isEmoji = (name: string) => Object.hasOwn(EMOJI, name.toLowerCase());
  return {
    symbols: names.filter(isEmoji).map((name) => EMOJI[name.toLowerCase()]),
    words: names.filter((name) => !isEmoji(name)),
  };
}
