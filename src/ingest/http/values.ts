/**
 * Reads values of unknown type. Senders mix up types: RouterOS turns the text `1234` into the
 * number 1234.000000, and `true` into a text.
 *
 * @module
 */

import { isNestedWithin, MAX_JSON_DEPTH } from "../../base/fields.ts";
import type { Severity } from "../../notification/notification.ts";

/**
 * The longest JSON text whose numbers keep all digits, in UTF-16 code units. Reading the digits of
 * larger JSON takes seconds. RouterOS sends at most 64 KiB.
 */
const MAX_EXACT_JSON_CHARS = 64 * 1024;

/** The context that V8 gives to a reviver: the text of the value. */
interface Source {
  readonly source?: string;
}

/** The maximum number of values in a JSON text. To parse millions of values takes seconds. */
export const MAX_JSON_VALUES = 200_000;

/** Returns true if a JSON text has more than {@linkcode MAX_JSON_VALUES} values. */
export function hasTooManyValues(text: string): boolean {
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x22: // A quotation mark begins a text.
        at = endOfText(text, at);
        break;
      case 0x2c: // A comma, a bracket or a brace comes before each value.
      case 0x5b:
      case 0x7b:
        if (++count > MAX_JSON_VALUES) return true;
    }
  }
  return false;
}

/** Returns the position of the quotation mark that ends a text. */
function endOfText(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (text[at - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return at;
  }
  return text.length;
}

/**
 * Parses JSON. Returns undefined if the text is not JSON, if its nesting is deeper than 100 levels,
 * or if it has too many values. Zeros at the end of a decimal fraction are removed: 1234.000000
 * becomes 1234. A number that JavaScript would round becomes a text with all digits.
 */
export function parseJson(text: string): unknown {
  const exact = (_key: string, value: unknown, { source }: Source = {}) =>
    typeof value === "number" && source !== undefined ? exactNumber(value, source) : value;
  if (hasTooManyValues(text)) return undefined;
  try {
    const value = JSON.parse(text);
    if (typeof value !== "object" || value === null) return value;
    if (!isNestedWithin(value, MAX_JSON_DEPTH)) return undefined;
    return text.length <= MAX_EXACT_JSON_CHARS ? JSON.parse(text, exact) : value;
  } catch {
    return undefined;
  }
}

function exactNumber(value: number, source: string): number | string {
  const digits = /^-?\d+\.\d*?0*$/.test(source) ? source.replace(/\.?0+$/, "") : source;
  return String(value) === digits || /e/i.test(source) ? value : digits;
}

/** The entities of XML. `&amp;` is decoded last, so that `&amp;lt;` becomes `&lt;` and not `<`. */
const ENTITIES = [["&lt;", "<"], ["&gt;", ">"], ["&quot;", '"'], ["&apos;", "'"], ["&amp;", "&"]] as const;

/**
 * Numbered characters such as `&#39;` are decoded only in texts up to this length, in UTF-16 code
 * units. Decoding millions of numbered characters takes seconds.
 */
const MAX_NUMBERED_CHARS = 64 * 1024;

/** Decodes the entities of XML, and numbered characters: `&lt;`, `&#39;`, `&#x27;`. */
export function decodeEntities(text: string): string {
  // For millions of entities, `replaceAll` is several times slower than `split` and `join`.
  const named = (part: string) => ENTITIES.reduce((decoded, [entity, char]) => decoded.split(entity).join(char), part);
  if (text.length > MAX_NUMBERED_CHARS) return named(text);
  return text.split(/(&#\d{1,7};|&#x[0-9a-f]{1,6};)/i).map((part, at) => at % 2 === 0 ? named(part) : numbered(part))
    .join("");
}

function numbered(entity: string): string {
  const code = Number(entity.slice(2, -1).replace(/^x/i, "0x"));
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code).toWellFormed() : entity;
}

/** Returns a value as text: `""` for null, JSON for a list or an object. */
export function textOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Returns true for values that mean yes, such as the value `true` or the text `on`. */
export function isTrue(value: unknown): boolean {
  return /^\s*(?:true|1|yes|on|y|t)\s*$/i.test(textOf(value));
}

/** Returns the own property of an object; undefined for every other value. */
export function propertyOf(value: unknown, name: string): unknown {
  const isOwner = typeof value === "object" && value !== null && Object.hasOwn(value, name);
  return isOwner ? Object.getOwnPropertyDescriptor(value, name)?.value : undefined;
}

/** Returns the text of a property. */
export function textAt(value: unknown, name: string): string {
  return textOf(propertyOf(value, name)).trim();
}

/** Returns the elements of a list; an empty list for every other value. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Returns the fields of an object, by name; an empty map for every value that is not an object. */
export function entriesOf(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(typeof value === "object" && value !== null ? Object.entries(value) : []);
}

/**
 * Shows values as lines `name: value`. Empty values are left out. A value with several lines begins
 * on the next line.
 */
export function showFields(entries: Iterable<readonly [string, unknown]>): string {
  const lines: string[] = [];
  for (const [name, value] of entries) {
    const text = textOf(value).trimEnd();
    if (text.trim() !== "" && text !== "{}" && text !== "[]") {
      lines.push(`${name}:${text.includes("\n") ? "\n" : " "}${text}`);
    }
  }
  return lines.join("\n");
}

/** Joins the parts of a message that are not empty with an empty line between them. */
export function joinParts(...parts: readonly string[]): string {
  return parts.filter((part) => part.trim() !== "").join("\n\n");
}

/** The words for severities, in syslog, Prometheus, Proxmox, ntfy and others. */
const SEVERITY_WORDS: Readonly<Record<Severity, string>> = {
  info: "info information informational notice ok success debug trace low min none normal default minor unimportant",
  warning: "warning warn unknown pending moderate average",
  error: "error err failure failed fail high major down danger severe",
  critical: "critical crit fatal emergency emerg alert panic disaster page urgent max blocker",
};

const SEVERITIES_BY_WORD: ReadonlyMap<string, Severity> = new Map(
  Object.entries(SEVERITY_WORDS).flatMap(([severity, words]) =>
    words.split(" ").map((word): [string, Severity] => [word, severity as Severity])
  ),
);

/** Returns the severity that a word means; undefined for an unknown word. */
export function severityOf(word: string): Severity | undefined {
  return SEVERITIES_BY_WORD.get(word.trim().toLowerCase());
}
