/**
 * Hostile values: texts, numbers and JSON that break careless programs, and random changes of bytes
 * and of JSON.
 *
 * @module
 */

import { type Dice, garbage } from "../faults/crash_dice.ts";

/** Chooses one of several values. */
export function pick<Value>(dice: Dice, values: readonly Value[]): Value {
  return values[dice(values.length)];
}

/** Repeats a text with random parts, up to a length that is rarely large. */
function long(dice: Dice, piece: string): string {
  return piece.repeat(1 + dice(pick(dice, [3, 30, 3000])));
}

const TEXTS: readonly ((dice: Dice) => string)[] = [
  () => "",
  () => " ",
  () => "\0",
  () => "\x1b[2J\x1b]0;owned\x07\x1b[31m",
  () => "\x9b31m\x90q\x9c\x85",
  () => "\x7f\b\b\b\r",
  () => "\u202e\u2066\u200f\ufeff",
  () => "\u2028\u2029",
  () => "\r\nSet-Cookie: a=b\r\n\r\n",
  () => "\ud800",
  () => "e\u0301\u{1f468}\u200d\u{1f469}\u{1f1e9}\u{1f1ea}",
  (dice) => pick(dice, ["constructor", "__proto__", "toString", "hasOwnProperty", "then", "prototype"]),
  (dice) => pick(dice, ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//evil.example", "http://["]),
  (dice) =>
    pick(dice, ["http://127.0.0.1:1/", "http://[::1]/", "http://169.254.169.254/", "https://evil.example/?a=b"]),
  (dice) => pick(dice, ["../../../../etc/passwd", "/dev/null", "C:\\x", "a/b", ".", "..", "~"]),
  (dice) => pick(dice, ["NaN", "Infinity", "-0", "1e999", "0x10", "9007199254740993", "-1", "00", "1.5"]),
  (dice) =>
    pick(dice, ["Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "Mon, 99 Foo 2026 99:99:99 GMT"]),
  (dice) => pick(dice, ["%", "%zz", "%00", "%1b[2J", "%ff%fe", "+", "&a=b", "?", "#"]),
  (dice) => pick(dice, ["@room", "@everyone", "<!channel>", "@bot:loopback.test", "!a:b", "#a:b", "$a"]),
  (dice) => pick(dice, ["<script>alert(1)</script>", "</title><h1>", "{{subject}}", "${x}", "$(id)", "`id`", "'\";--"]),
  (dice) =>
    pick(dice, ["M_UNKNOWN_TOKEN", "M_LIMIT_EXCEEDED", "M_FORBIDDEN", "M_NOT_FOUND", "M_USER_LOCKED", "M_\x1b[0m"]),
  (dice) => long(dice, "A"),
  (dice) => long(dice, "ä😀"),
  (dice) => long(dice, "\n"),
  (dice) => long(dice, " a"),
];

/** Returns a text that breaks careless programs. */
export function hostileText(dice: Dice): string {
  const text = pick(dice, TEXTS)(dice);
  return dice(4) === 0 ? text + pick(dice, TEXTS)(dice) : text;
}

/** Marks raw JSON inside a text; see {@linkcode hostileJson}. */
const RAW = "\u{f0000}raw:";

const RAW_JSON: readonly ((dice: Dice) => string)[] = [
  (dice) => pick(dice, ["1e999", "-1e999", "1e306", "1e-9", "-0", "0.1", "9007199254740993", "1e21", "-1"]),
  (dice) => "[".repeat(99) + "]".repeat(99).slice(dice(2)),
  (dice) => {
    const depth = pick(dice, [90, 200, 5000, 50_000]);
    return '{"a":'.repeat(depth) + "1" + "}".repeat(depth);
  },
  () => '{"__proto__":{"errcode":"M_X","event_id":"$x"},"constructor":1}',
  () => '{"a":1,"a":2}',
];

/** Returns a JSON value that breaks careless programs. */
export function hostileValue(dice: Dice): unknown {
  switch (dice(8)) {
    case 0:
      return null;
    case 1:
      return dice(2) === 0;
    case 2:
      return pick(dice, [0, -1, 1, 2 ** 31, 2 ** 53, 1e15, 0.5]);
    case 3:
      return pick<unknown>(dice, [[], {}, [[]], [null], { "": "" }]);
    case 4:
      return RAW + pick(dice, RAW_JSON)(dice);
    default:
      return hostileText(dice);
  }
}

/** Changes some values of a JSON document. Returns the text. */
export function changeJson(value: unknown, dice: Dice): string {
  let changed = value;
  for (let times = 1 + dice(3); times > 0; times--) changed = changeOne(changed, dice);
  return hostileJson(changed);
}

/** Writes JSON. Texts that begin with {@linkcode RAW} are written without quotes. */
export function hostileJson(value: unknown): string {
  return JSON.stringify(value, (_, each) => each).replace(
    new RegExp(`"${RAW}((?:[^"\\\\]|\\\\.)*)"`, "gu"),
    (_, text) => JSON.parse(`"${text}"`),
  );
}

function changeOne(value: unknown, dice: Dice): unknown {
  const isDeep = typeof value === "object" && value !== null && Object.keys(value).length > 0;
  if (!isDeep || dice(5) === 0) return dice(3) === 0 ? [value] : hostileValue(dice);
  if (Array.isArray(value)) {
    const copy = [...value];
    const at = dice(copy.length);
    if (dice(6) === 0) copy.splice(at, 1);
    else if (dice(8) === 0) copy.push(...Array(dice(200)).fill(copy[at]));
    else copy[at] = changeOne(copy[at], dice);
    return copy;
  }
  const entries = Object.entries(value);
  const at = dice(entries.length);
  const [key, inner] = entries[at];
  if (dice(6) === 0) entries.splice(at, 1);
  else if (dice(8) === 0) entries.push([hostileText(dice), inner]);
  else entries[at] = [key, changeOne(inner, dice)];
  return Object.fromEntries(entries);
}

/** Changes bytes: flips bits, cuts, repeats, inserts or removes parts. */
export function changeBytes(bytes: Uint8Array, dice: Dice): Uint8Array {
  let changed = bytes;
  for (let times = 1 + dice(4); times > 0; times--) changed = changeOnce(changed, dice);
  return changed;
}

function changeOnce(bytes: Uint8Array, dice: Dice): Uint8Array {
  const at = dice(bytes.length + 1), length = Math.min(dice(60), bytes.length - at);
  const end = at + length;
  switch (dice(7)) {
    case 0: {
      const flipped = bytes.slice();
      if (at < bytes.length) flipped[at] ^= 1 << dice(8);
      return flipped;
    }
    case 1:
      return bytes.slice(0, at);
    case 2:
      return concat(bytes.subarray(0, at), bytes.subarray(end));
    case 3:
      return concat(bytes.subarray(0, at), garbage(dice(40), dice), bytes.subarray(end));
    case 4: {
      const times = 1 + dice(pick(dice, [3, 100]));
      return concat(bytes.subarray(0, at), ...Array(times).fill(bytes.subarray(at, end)), bytes.subarray(end));
    }
    case 5:
      return concat(bytes.subarray(0, at), new TextEncoder().encode(hostileText(dice)), bytes.subarray(at));
    default: {
      const from = dice(bytes.length + 1);
      return concat(bytes.subarray(0, at), bytes.subarray(from, from + dice(400)), bytes.subarray(end));
    }
  }
}

/** Joins bytes. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
