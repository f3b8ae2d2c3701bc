/**
 * Builds HTML. The template `markup` escapes every value, except values that are HTML already. Use
 * {@linkcode foreign} for texts that this program did not write, such as texts of senders and
 * servers: {@linkcode foreign} also hides secrets.
 *
 * @module
 */

import { formatDuration } from "../../base/duration.ts";
import { printable } from "../../base/printable.ts";
import { hideSecrets } from "../../base/secret.ts";
import { formatIsoTime, formatTime, type Zone } from "../../base/time.ts";

/** A part of a page. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A value in a template. `undefined` and `false` are shown as nothing. */
export type Content = string | number | Html | undefined | false | readonly Content[];

/** Builds a part of a page. */
export function markup(parts: TemplateStringsArray, ...values: readonly Content[]): Html {
  return new Html(parts.map((part, at) => at === 0 ? part : toText(values[at - 1]) + part).join(""));
}

function toText(value: Content): string {
  if (value === undefined || value === false) return "";
  if (value instanceof Html) return value.text;
  if (typeof value === "object") return value.map(toText).join("");
  return escape(String(value));
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escape(text: string): string {
  return printable(text).toWellFormed().replace(/[&<>"']/g, (character) => ENTITIES[character]);
}

/** The longest text from outside on the page, in characters. */
const MAX_CHARS = 240;

/**
 * Shows a text that this program did not write. A long text is cut. The element `bdi` ensures that
 * right-to-left letters in this text do not change the order of the texts around it.
 */
export function foreign(text: string, maxChars = MAX_CHARS): Html {
  // Only the beginning of a long text is searched for secrets. The rest is not shown.
  const characters = Array.from(hideSecrets(text.slice(0, 8 * maxChars)).trim());
  const isCut = characters.length > maxChars || text.length > 8 * maxChars;
  return markup`<bdi>${isCut ? `${characters.slice(0, maxChars).join("")}…` : characters.join("")}</bdi>`;
}

/** The clock of a page. */
export interface Clock {
  /** The time of the page, in milliseconds since 1970. */
  readonly now: number;
  /** @default the time zone of this host */
  readonly zone?: Zone;
}

/** Shows a time: `20:15:07 UTC+1`, with the date if it is not today. */
export function time(at: number, { now, zone }: Clock): Html {
  return markup`<time datetime="${formatIsoTime(at, zone)}">${formatTime(at, { now, zone })}</time>`;
}

/** Shows a time in the past with its age: `20:15:07 UTC+1 (2 h 5 min ago)`. */
export function since(at: number, clock: Clock): Html {
  return markup`${time(at, clock)} (${duration(clock.now - at)}&nbsp;ago)`;
}

/** Shows a duration on one line: `2 h 5 min`. */
export function duration(ms: number): string {
  return formatDuration(Math.max(0, ms)).replaceAll(" ", "\u00a0");
}
