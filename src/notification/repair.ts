/**
 * Repairs the fields of a notification, so that an alert with wrong data can still be sent. A field
 * that is too long is shortened. A value that cannot be used is left out. Each function reports a
 * problem as one sentence, which the notification shows. No side effects.
 *
 * @module
 */

import { formatCount } from "../base/count.ts";
import { isMention, MENTION_PROBLEM, ROOM_MENTION } from "../matrix/ids.ts";
import { crc32 } from "../base/crc32.ts";
import { isUnsafeLink } from "../base/unsafe_link.ts";
import { byteLength, cutLine, fitsInBytes } from "./cut.ts";
import { decodeText, readableLine } from "./text.ts";

/** The maximum length of a subject, an origin or a key, in UTF-8 bytes. */
export const MAX_SUBJECT_BYTES = 1024;

/** The maximum length of a link, in UTF-8 bytes. */
const MAX_LINK_BYTES = 2048;

/** The maximum number of mentions in a notification. Use `@room` to mention more users. */
export const MAX_MENTIONS = 10;

/** The maximum length of a quoted value in a problem, in UTF-8 bytes. */
const MAX_QUOTE_BYTES = 1024;

/** The maximum number of problems that a notification shows. */
const MAX_PROBLEMS = 20;
/** The maximum total length of the problems that a notification shows, in UTF-8 bytes. */
const MAX_PROBLEMS_BYTES = 4096;

/** Reports a problem with the data from the caller, as one sentence. */
export type ReportProblem = (problem: string) => void;

/**
 * Converts a value to text. In JavaScript, a caller can give a value of any type. Bytes are
 * decoded, and objects become JSON.
 */
export function toText(value: unknown): string {
  if (typeof value === "string") return value;
  if (value === undefined || value === null) return "";
  if (value instanceof Uint8Array) return decodeText(value);
  try {
    return value instanceof Error || typeof value !== "object" ? String(value) : JSON.stringify(value) ?? "";
  } catch {
    // The value cannot be converted: for example, an object contains itself.
    return "[object]";
  }
}

/** Converts a value to one line of readable text; see {@linkcode toText}. */
export function toLine(value: unknown): string {
  return value === undefined ? "" : readableLine(toText(value));
}

/** Returns a line that is short enough; undefined if it is empty. */
export function repairLine(name: "subject" | "origin", line: string, report: ReportProblem): string | undefined {
  if (fitsInBytes(line, MAX_SUBJECT_BYTES)) return line === "" ? undefined : line;
  const bytes = byteLength(line);
  const where = name === "subject" ? "; the message begins with the whole subject" : "";
  report(`Cannot use the whole ${name} of ${bytes} bytes: the limit is ${MAX_SUBJECT_BYTES}${where}`);
  return cutLine(line, MAX_SUBJECT_BYTES);
}

/**
 * Returns the key of an incident; undefined for an empty key. A key that is too long is cut and
 * gets a checksum at its end. Thus different keys stay different.
 */
export function repairKey(value: unknown, report: ReportProblem): string | undefined {
  const key = toLine(value);
  if (fitsInBytes(key, MAX_SUBJECT_BYTES)) return key === "" ? undefined : key;
  report(`Cannot use the whole key of ${byteLength(key)} bytes: the limit is ${MAX_SUBJECT_BYTES}`);
  const checksum = `#${crc32(new TextEncoder().encode(key))}`;
  return cutLine(key, MAX_SUBJECT_BYTES - checksum.length) + checksum;
}

/** The maximum length of an idempotency key, in characters. */
const MAX_ID_CHARS = 255;

/**
 * Returns an idempotency key of visible ASCII characters; undefined if it is empty. Other
 * characters are percent-encoded. A key that is too long is cut and gets a checksum at its end.
 * Thus different keys stay different.
 */
export function repairId(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const id = toText(value).toWellFormed().replace(/[^\x21-\x7e]/gu, encodeURIComponent);
  if (id.length <= MAX_ID_CHARS) return id === "" ? undefined : id;
  const checksum = `#${crc32(new TextEncoder().encode(id))}`;
  return id.slice(0, MAX_ID_CHARS - checksum.length) + checksum;
}

/**
 * Returns the link, with encoded spaces. Returns undefined for an empty value. Reports a problem
 * and returns undefined if the value is too long, is not an absolute URL, or is unsafe (such as
 * `javascript:`). The problem quotes the value.
 */
export function repairLink(value: unknown, report: ReportProblem): string | undefined {
  const given = toLine(value);
  if (given === "") return undefined;
  const link = withSlashes(given.replace(/\s/g, (space) => encodeURIComponent(space)));
  const bytes = byteLength(link);
  const isUnsafe = isUnsafeLink(link);
  if (URL.canParse(link) && bytes <= MAX_LINK_BYTES && !isUnsafe) return link;
  const state = bytes > MAX_LINK_BYTES
    ? `it has ${bytes} bytes, and the limit is ${MAX_LINK_BYTES}`
    : isUnsafe
    ? "a client could run code or open a local file"
    : "it is not an absolute URL such as https://example.org/";
  report(`Cannot use ${quote(given)} as a link: ${state}`);
}

/**
 * Writes a web address with both slashes. Without them, as in `https:page`, a browser can treat the
 * address as relative to the page that shows it.
 */
function withSlashes(link: string): string {
  return /^https?:(?!\/\/)/i.test(link) ? URL.parse(link)?.href ?? link : link;
}

/** Returns the valid mentions without duplicates, at most {@linkcode MAX_MENTIONS}. */
export function repairMentions(values: readonly unknown[], report: ReportProblem): readonly string[] {
  if (values.length === 0) return [];
  const mentions = [...new Set(values.map(toLine))].filter((one) => one !== "");
  const valid = mentions.filter(isMention);
  const invalid = mentions.filter((mention) => !isMention(mention));
  if (invalid.length > 0) report(`Cannot mention ${invalid.map(quote).join(", ")}: ${MENTION_PROBLEM}`);
  const surplus = valid.slice(MAX_MENTIONS);
  if (surplus.length > 0) {
    report(
      `Cannot mention ${
        surplus.join(", ")
      }: the limit is ${MAX_MENTIONS}; ${ROOM_MENTION} mentions all users in the room`,
    );
  }
  return valid.slice(0, MAX_MENTIONS);
}

/** Limits the number and the total length of the problems that a notification shows. */
export function limitProblems(problems: readonly string[]): readonly string[] {
  let room = MAX_PROBLEMS_BYTES;
  const shown = problems.slice(0, MAX_PROBLEMS).map((problem) => {
    const line = cutLine(readableLine(problem), Math.min(room, MAX_QUOTE_BYTES + 256));
    room -= byteLength(line);
    return line;
  }).filter((line) => line !== "");
  const more = problems.length - shown.length;
  return more === 0 ? shown : [...shown, `There ${more === 1 ? "is" : "are"} ${formatCount(more, "more problem")}`];
}

function quote(text: string): string {
  return `"${cutLine(text, MAX_QUOTE_BYTES)}"`;
}
