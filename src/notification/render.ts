/**
 * Renders a notification with its notes as plain text and as HTML. Cuts messages that are too long.
 * No side effects.
 *
 * @module
 */

import { isAgeKnown, isFromFuture } from "../base/clock.ts";
import { formatDuration } from "../base/duration.ts";
import { formatTime } from "../base/time.ts";
import type { Replaced } from "../queue/record.ts";
import type { Notification } from "./notification.ts";
import { formatTitle, type TitleOptions } from "./title.ts";

/** The options for rendering a notification. */
export interface RenderOptions extends TitleOptions {
  /**
   * The delivery time of a late notification, in milliseconds since 1970.
   * @default the notification is not late
   */
  readonly lateAt?: number;
  /**
   * The earlier notifications with the same key, if this notification replaced them in the queue.
   */
  readonly replaced?: Pick<Replaced, "count" | "since">;
  /** Additional notes, one per line. @default none */
  readonly notes?: readonly string[];
  /** The users to mention: Matrix user ids, or `@room`. @default none */
  readonly mentions?: readonly string[];
  /** Formats a mention as HTML. @default escapes its text */
  readonly formatMention?: (mention: string) => string;
}

/**
 * Formats the notes that are shown below the message, one note per line:
 *
 * - `⏰ Queued since 2026-11-22 20:15:07 UTC+1, 2 h 5 min late`
 * - `⏰ Late: the clock of the host was wrong (1970-01-01 00:00:30 UTC) when this was queued`
 * - `↻ Replaces 3 earlier notifications since 2026-11-22 18:00:00 UTC+1`
 * - `📎 report.pdf (12 KiB) was not sent here`
 * - `✂ Cannot attach report.pdf: it is empty`
 *
 * A time includes the date, because the message may be read on another day.
 */
export function formatNotes(
  notification: Notification,
  { lateAt, replaced, notes: own = [] }: Pick<RenderOptions, "lateAt" | "replaced" | "notes">,
): string[] {
  const notes: string[] = [];
  for (const problem of notification.problems ?? []) notes.push(`✂ ${problem}`);
  for (const file of notification.unsent ?? []) notes.push(`📎 ${file} was not sent here`);
  if (lateAt !== undefined) {
    const { time } = notification;
    const wasSetSince = !isAgeKnown(time) && isAgeKnown(lateAt);
    notes.push(
      !wasSetSince && !isFromFuture(time, lateAt)
        ? `⏰ Queued since ${formatTime(time)}, ${formatDuration(lateAt - time)} late`
        : `⏰ Late: the clock of the host was wrong (${formatTime(time)}) when this was queued`,
    );
  }
  if (replaced !== undefined) {
    const earlier = replaced.count === 1
      ? "an earlier notification of"
      : `${replaced.count} earlier notifications since`;
    notes.push(`↻ Replaces ${earlier} ${formatTime(replaced.since)}`);
  }
  notes.push(...own);
  return notes;
}

/**
 * The lines around the message of a notification. They are formatted only once, because a message
 * can be rendered several times: as plain text, as HTML, and again if it must be cut.
 */
export class Layout {
  readonly #title: string;
  readonly #notes: readonly string[];
  readonly #link: string | undefined;
  readonly #options: RenderOptions;

  constructor(notification: Notification, options: RenderOptions) {
    this.#title = formatTitle(notification, options);
    this.#notes = formatNotes(notification, options);
    this.#link = notification.link;
    this.#options = options;
  }

  /**
   * Renders the notification as plain text.
   *
   * @param message the message to show. It may have been converted from HTML or cut.
   */
  plain(message: string): string {
    const parts = [this.#title];
    if (message !== "") parts.push(message);
    if (this.#link !== undefined) parts.push(`🔗 ${this.#link}`);
    parts.push(...this.#notes, ...mentionNotes(this.#options));
    return parts.join("\n\n");
  }

  /**
   * Renders the notification as HTML, with tags that Matrix allows (Client-Server API,
   * "m.room.message msgtypes").
   *
   * @param messageHtml the message as well-formed HTML with only allowed tags; may be empty
   */
  html(messageHtml: string): string {
    const parts = [`<strong>${escapeHtml(this.#title)}</strong>`];
    if (messageHtml !== "") parts.push(messageHtml);
    if (this.#link !== undefined) parts.push(`🔗 ${linkHtml(this.#link)}`);
    for (const note of this.#notes) parts.push(`<em>${escapeHtml(note)}</em>`);
    parts.push(...mentionNotes(this.#options, this.#options.formatMention ?? escapeHtml));
    return parts.join("<br>");
  }
}

/**
 * Formats the mentions as a note: `👤 For @alice:example.org, @room`. Returns an empty list if there
 * are no mentions.
 */
function mentionNotes({ mentions = [] }: RenderOptions, format = (mention: string) => mention): string[] {
  return mentions.length === 0 ? [] : [`👤 For ${mentions.map(format).join(", ")}`];
}

/** Converts program output or code to HTML. */
export function codeToHtml(text: string): string {
  return `<pre><code>${escapeHtml(text)}\n</code></pre>`;
}

/** Escapes text for an HTML element or a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** The URL schemes that Matrix allows in links. */
const LINK_SCHEMES: ReadonlySet<string> = new Set(["https:", "http:", "ftp:", "mailto:", "magnet:"]);

/** Formats a link as HTML. A link that Matrix does not allow is shown as text. */
export function linkHtml(link: string): string {
  const label = escapeHtml(link.replace(/^https?:\/\//, "").replace(/\/$/, ""));
  return LINK_SCHEMES.has(new URL(link).protocol) ? `<a href="${escapeHtml(link)}">${label}</a>` : escapeHtml(link);
}
