/**
 * From a notification to what people read: plain text and HTML, the note on lateness, and texts cut to a size in bytes. Pure.
 *
 * @module
 */

import { formatDuration } from "../base/duration.ts";
import { bisectLargest } from "../base/bisect.ts";
import type { Replaced } from "../queue/record.ts";
import type { Notification } from "./notification.ts";

/** What a rendering depends on besides the notification. */
export interface RenderOptions {
  /** The name of the host that speaks; it stands in brackets before the subject. */
  readonly identity: string;
  /** When a late notification arrives, milliseconds since 1970; undefined for one in time. */
  readonly lateAt?: number;
  /** Earlier notifications with the same key that were still waiting, and whose place it took. */
  readonly replaced?: Replaced;
  /** More that its reader must know, a line each. @default none */
  readonly notes?: readonly string[];
  /** Whom it is for: user ids of Matrix, or `@room`. @default nobody who is told so */
  readonly mentions?: readonly string[];
  /** Formats a mention as HTML. @default its text */
  readonly formatMention?: (mention: string) => string;
}

/** `12 bytes`, `1.5 KiB`, `3.0 MiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  const kib = bytes / 1024;
  return kib < 1024 ? `${kib.toFixed(1)} KiB` : `${(kib / 1024).toFixed(1)} MiB`;
}

/** `[identity] Subject`. */
export function subjectLine(notification: Notification, identity: string): string {
  return `[${identity}] ${notification.subject}`;
}

/**
 * What the reader must know beside the message, a line each: `⏰ Queued since 2026-11-22 20:15 (UTC+1), 2 h 5 min late`;
 * `↻ In place of 3 earlier ones, since 2026-11-22 18:00 (UTC+1)`; `📎 report.pdf (12.0 KiB) was not sent here`.
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
 * The whole as plain text.
 *
 * @param message the message to show, where it is not the notification's own: reduced from HTML, or cut
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
 * The whole as HTML of the kind that Matrix allows (Client-Server API, "m.room.message msgtypes").
 *
 * @param messageHtml the message as allowed, well-formed HTML; empty for none
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

/** `👤 For @alice:example.org, @room`: a line, or none. */
function mentionNotes({ mentions = [] }: RenderOptions, format = (mention: string) => mention): string[] {
  return mentions.length === 0 ? [] : [`👤 For ${mentions.map(format).join(", ")}`];
}

/** A plain message as HTML: line breaks kept. */
export function textToHtml(text: string): string {
  return escapeHtml(text).replaceAll("\n", "<br>");
}

/** A verbatim message as HTML. */
export function codeToHtml(text: string): string {
  return `<pre><code>${escapeHtml(text)}\n</code></pre>`;
}

/** Text that HTML shows as it is, in an element or in a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** The schemes that `formatted_body` may link to. */
const LINK_SCHEMES: ReadonlySet<string> = new Set(["https:", "http:", "ftp:", "mailto:", "magnet:"]);

function linkHtml(link: string): string {
  const label = escapeHtml(link.replace(/^https?:\/\//, "").replace(/\/$/, ""));
  return LINK_SCHEMES.has(new URL(link).protocol) ? `<a href="${escapeHtml(link)}">${label}</a>` : escapeHtml(link);
}

/** UTF-8 bytes of a text. */
export function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

/**
 * Cuts a message so that what is built of it fits, between characters, and says so at its end.
 *
 * @param fits whether what is built of a message is small enough; a shorter message never builds something larger
 * @returns the message whole when it fits, else its longest beginning that fits with the note
 */
export function cutToFit(message: string, fits: (message: string) => boolean): string {
  if (fits(message)) return message;
  const characters = Array.from(message);
  const total = byteLength(message);
  const cut = (count: number) => withCutNote(characters.slice(0, count).join(""), total);
  return cut(bisectLargest(0, characters.length, (count) => fits(cut(count))));
}

/** Cuts a message to a size in UTF-8 bytes, between characters, and says so at its end; quick for one of megabytes too. */
export function cutToBytes(message: string, maxBytes: number): string {
  const total = byteLength(message);
  if (total <= maxBytes) return message;
  const room = Math.max(0, maxBytes - byteLength(withCutNote("", total)));
  return withCutNote(message.slice(0, new TextEncoder().encodeInto(message, new Uint8Array(room)).read), total);
}

function withCutNote(kept: string, total: number): string {
  return `${kept}\n✂ Cut here: ${total - byteLength(kept)} of ${total} bytes are missing`;
}

/** `2026-11-22 20:15 (UTC+1)`: the wall clock of the host that queued it, and where that clock stands. */
export function formatTime(time: number): string {
  const date = new Date(time);
  const two = (number: number) => String(number).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const offset = -date.getTimezoneOffset();
  const minutes = Math.abs(offset) % 60 === 0 ? "" : `:${two(Math.abs(offset) % 60)}`;
  const zone = offset === 0 ? "UTC" : `UTC${offset < 0 ? "-" : "+"}${Math.floor(Math.abs(offset) / 60)}${minutes}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())} (${zone})`;
}
