/**
 * Renders a notification as plain text and as HTML, with its notes, and cuts messages that are too
 * long. Pure.
 *
 * @module
 */

import { formatDuration } from "../base/duration.ts";
import { bisectLargest } from "../base/bisect.ts";
import type { Replaced } from "../queue/record.ts";
import type { Notification } from "./notification.ts";

/** What a rendering depends on besides the notification. */
export interface RenderOptions {
  /** The name of the host, shown in brackets before the subject. */
  readonly identity: string;
  /** When a late notification is delivered, milliseconds since 1970. @default it is not late */
  readonly lateAt?: number;
  /** The queued notifications with the same key that it replaced. */
  readonly replaced?: Pick<Replaced, "count" | "since">;
  /** More notes, a line each. @default none */
  readonly notes?: readonly string[];
  /** The users that it mentions: Matrix user ids, or `@room`. @default none */
  readonly mentions?: readonly string[];
  /** Formats a mention as HTML. @default its text */
  readonly formatMention?: (mention: string) => string;
}

/** Formats a size: `12 bytes`, `1.5 KiB`, `3.0 MiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  const kib = bytes / 1024;
  return kib < 1024 ? `${kib.toFixed(1)} KiB` : `${(kib / 1024).toFixed(1)} MiB`;
}

/** The subject as people see it: `[identity] Subject`. */
export function subjectLine(notification: Notification, identity: string): string {
  return `[${identity}] ${notification.subject}`;
}

/**
 * Notes for the reader besides the message, a line each: `⏰ Queued since 2026-11-22 20:15 (UTC+1),
 * 2 h 5 min late`; `↻ In place of 3 earlier ones, since 2026-11-22 18:00 (UTC+1)`; `📎 report.pdf
 * (12.0 KiB) was not sent here`.
 */
export function formatNotes(
  notification: Notification,
  { lateAt, replaced, notes: own = [] }: Pick<RenderOptions, "lateAt" | "replaced" | "notes">,
): string[] {
  const notes = (notification.unsent ?? []).map((file) => `📎 ${file} was not sent here`);
  if (lateAt !== undefined) {
    notes.push(`⏰ Queued since ${formatTime(notification.time)}, ${formatDuration(lateAt - notification.time)} late`);
  }
  if (replaced !== undefined) {
    const earlier = replaced.count === 1 ? "an earlier one, of" : `${replaced.count} earlier ones, since`;
    notes.push(`↻ In place of ${earlier} ${formatTime(replaced.since)}`);
  }
  return [...notes, ...own];
}

/**
 * Renders a notification as plain text.
 *
 * @param message the text to show as its message: the notification's own, converted from HTML, or
 * cut
 */
export function renderPlain(notification: Notification, options: RenderOptions, message: string): string {
  return [
    subjectLine(notification, options.identity),
    ...(message === "" ? [] : [`\n${message}`]),
    ...(notification.link === undefined ? [] : [`\n🔗 ${notification.link}`]),
    ...formatNotes(notification, options).map((note) => `\n${note}`),
    ...mentionNotes(options).map((note) => `\n${note}`),
  ].join("\n");
}

/**
 * Renders a notification as HTML, with the few tags that Matrix allows (Client-Server API,
 * "m.room.message msgtypes").
 *
 * @param messageHtml the message as allowed, well-formed HTML; may be empty
 */
export function renderHtml(notification: Notification, options: RenderOptions, messageHtml: string): string {
  const { link } = notification;
  const after = [
    ...(link === undefined ? [] : [`🔗 ${linkHtml(link)}`]),
    ...formatNotes(notification, options).map((note) => `<em>${escapeHtml(note)}</em>`),
    ...mentionNotes(options, options.formatMention ?? escapeHtml),
  ];
  return `<strong>${escapeHtml(subjectLine(notification, options.identity))}</strong>` +
    (messageHtml === "" ? "" : `<br>${messageHtml}`) +
    (after.length === 0 ? "" : `<br>${after.join("<br>")}`);
}

/** `👤 For @alice:example.org, @room`: one line, or none. */
function mentionNotes({ mentions = [] }: RenderOptions, format = (mention: string) => mention): string[] {
  return mentions.length === 0 ? [] : [`👤 For ${mentions.map(format).join(", ")}`];
}

/** Converts plain text to HTML and keeps its line breaks. */
export function textToHtml(text: string): string {
  return escapeHtml(text).replaceAll("\n", "<br>");
}

/** Converts verbatim text to HTML. */
export function codeToHtml(text: string): string {
  return `<pre><code>${escapeHtml(text)}\n</code></pre>`;
}

/** Escapes text for an HTML element or a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** The URL schemes that Matrix allows in links. */
const LINK_SCHEMES: ReadonlySet<string> = new Set(["https:", "http:", "ftp:", "mailto:", "magnet:"]);

function linkHtml(link: string): string {
  const label = escapeHtml(link.replace(/^https?:\/\//, "").replace(/\/$/, ""));
  return LINK_SCHEMES.has(new URL(link).protocol) ? `<a href="${escapeHtml(link)}">${label}</a>` : escapeHtml(link);
}

/** The length of a text in UTF-8 bytes. */
export function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

/**
 * Cuts a message between two characters until it fits, and adds a note that says so.
 *
 * @param fits true if the result of this message is small enough; a shorter message then fits too
 * @returns the whole message if it fits, else its longest beginning that fits with the note
 */
export function cutToFit(message: string, fits: (message: string) => boolean): string {
  if (fits(message)) return message;
  const characters = Array.from(message);
  const total = byteLength(message);
  const cut = (count: number) => withCutNote(characters.slice(0, count).join(""), total);
  return cut(bisectLargest(0, characters.length, (count) => fits(cut(count))));
}

/**
 * Cuts a message to a size in UTF-8 bytes, and adds a note that says so. It is fast for megabytes
 * too.
 */
export function cutToBytes(message: string, maxBytes: number): string {
  const total = byteLength(message);
  if (total <= maxBytes) return message;
  const room = Math.max(0, maxBytes - byteLength(withCutNote("", total)));
  return withCutNote(message.slice(0, new TextEncoder().encodeInto(message, new Uint8Array(room)).read), total);
}

function withCutNote(kept: string, total: number): string {
  return `${kept}\n✂ Cut here: ${total - byteLength(kept)} of ${total} bytes are missing`;
}

/** Formats a time by the wall clock of this host, with its offset: `2026-11-22 20:15 (UTC+1)`. */
export function formatTime(time: number): string {
  const date = new Date(time);
  const twoDigits = (number: number) => String(number).padStart(2, "0");
  const day = `${date.getFullYear()}-${twoDigits(date.getMonth() + 1)}-${twoDigits(date.getDate())}`;
  const offset = -date.getTimezoneOffset();
  const minutes = Math.abs(offset) % 60 === 0 ? "" : `:${twoDigits(Math.abs(offset) % 60)}`;
  const zone = offset === 0 ? "UTC" : `UTC${offset < 0 ? "-" : "+"}${Math.floor(Math.abs(offset) / 60)}${minutes}`;
  return `${day} ${twoDigits(date.getHours())}:${twoDigits(date.getMinutes())} (${zone})`;
}
