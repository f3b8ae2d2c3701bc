/** Creates the content of a Matrix event from a notification. */

import { isBatch } from "../../notification/batch.ts";
import type { OwnFields, RoomMessageContent } from "../../matrix/events.ts";
import { ROOM_MENTION } from "../../matrix/ids.ts";
import { countChars, type Notification } from "../../notification/notification.ts";
import { escapeHtml, Layout, type RenderOptions } from "../../notification/render.ts";
import { layOutToFit, type RenderedMessage, renderMessage } from "../message.ts";
import { fitsInBytes } from "../../notification/cut.ts";

/**
 * The largest content, in bytes of JSON. A complete event has at most 65,536 bytes (Client-Server
 * API, "Size limits"). 4 KiB are reserved for the fields that the server adds.
 */
export const MAX_CONTENT_BYTES: number = 65_536 - 4096;

/** Options for creating a content. */
export interface ContentOptions extends RenderOptions {
  readonly txnId: string;
  /** The largest content, in bytes of JSON. */
  readonly maxBytes: number;
  /** Reports a problem that does not stop the delivery. */
  readonly warn: (text: string) => void;
}

/**
 * Returns the users to mention: the users in the notification. A critical notification also
 * mentions the users in the settings of the channel. A silent notification mentions no users.
 */
export function mentionsOf(
  { silent, severity, mentions = [] }: Notification,
  whenCritical: readonly string[],
): readonly string[] {
  if (silent) return [];
  return [...new Set(severity === "critical" ? [...mentions, ...whenCritical] : mentions)];
}

/**
 * Creates the content. If the formatted message is too long, uses only the plain text. If even the
 * plain text is too long, cuts the plain text.
 */
export async function contentOf(notification: Notification, options: ContentOptions): Promise<RoomMessageContent> {
  const { layout, create, fits } = formsOf(notification, options);
  const { text, html } = await renderMessage(notification, options.warn);
  const { maxBytes } = options;
  // A text with more characters than `maxBytes` cannot fit. It is not encoded, because encoding a
  // text of megabytes costs much memory.
  if (text.length <= maxBytes) {
    const content = create(layout.plain(text), html);
    if (fits(content)) return content;
  }
  return create(layOutToFit(notification, text, {
    layout: (message) => layout.plain(message),
    fits: (body) => fits(create(body)),
    maxUnits: maxBytes,
  }));
}

/** The largest number of bytes that a UTF-16 code unit needs in JSON: `\u0007`. */
const MAX_CHAR_BYTES = 6;

/**
 * The space for the fixed parts of a content, in bytes: the names of the fields, the template of
 * the title, times and ids. The length of the notification does not change these parts.
 */
const EXTRA_BYTES = 16 * 1024;

/**
 * Returns true if a notification is so short that its content has at most `maxBytes` bytes. This
 * estimate saves the exact check. A content without HTML contains each character at most twice.
 */
export function isSurelyShort(notification: Notification, { text }: RenderedMessage, maxBytes: number): boolean {
  const chars = 2 * countChars({ ...notification, message: text });
  return !isBatch(notification) && surelyFit(chars, maxBytes);
}

/** Returns true if a content with so few characters surely has at most `maxBytes` bytes. */
function surelyFit(chars: number, maxBytes: number): boolean {
  return MAX_CHAR_BYTES * chars < maxBytes - EXTRA_BYTES;
}

/**
 * Returns true if a notification fits into one event without being cut. For a single notification,
 * only the text must fit. For a batch (several notifications in one message), text and HTML must
 * fit.
 */
export function contentHasRoomFor(
  notification: Notification,
  message: RenderedMessage,
  options: Omit<ContentOptions, "warn">,
): boolean {
  if (message.text.length > options.maxBytes) return false;
  const { layout, create, fits } = formsOf(notification, options);
  const body = layout.plain(message.text);
  return fits(isBatch(notification) ? create(body, message.html) : create(body));
}

/**
 * Returns the layout and two functions: `create` creates a content, with HTML or without, and
 * `fits` checks its size.
 */
function formsOf(notification: Notification, options: Omit<ContentOptions, "warn">) {
  const { maxBytes, mentions = [], txnId } = options;
  const layout = new Layout(notification, { ...options, formatMention: mentionLink });
  // JSON does not contain fields that are undefined.
  const create = (body: string, html?: string): RoomMessageContent => ({
    msgtype: notification.silent ? "m.notice" : "m.text",
    body,
    "m.mentions": intentionalMentions(mentions),
    ...ownFields(notification, txnId),
    format: html === undefined ? undefined : "org.matrix.custom.html",
    formatted_body: html === undefined ? undefined : layout.html(html),
  });
  const fits = (content: RoomMessageContent) => {
    const { body, formatted_body = "" } = content;
    const chars = body.length + formatted_body.length + countChars(notification);
    return !isBatch(notification) && surelyFit(chars, maxBytes) || fitsInBytes(JSON.stringify(content), maxBytes);
  };
  return { layout, create, fits };
}

/** Returns the fields for programs that read the room. */
export function ownFields(notification: Notification, txnId: string): OwnFields {
  const { severity, origin, key } = notification;
  return {
    "dev.matrix-notify.id": txnId,
    "dev.matrix-notify.ids": isBatch(notification) ? notification.items.map(({ id }) => id) : undefined,
    "dev.matrix-notify.severity": severity,
    "dev.matrix-notify.origin": origin,
    "dev.matrix-notify.key": key,
  };
}

/**
 * Returns the HTML of a mention. Clients show the mention as a name (Matrix specification,
 * Appendices, "matrix.to navigation"). The mention `@room` is not a link.
 */
function mentionLink(mention: string): string {
  const label = escapeHtml(mention);
  if (mention === ROOM_MENTION) return label;
  const id = encodeURIComponent(mention).replaceAll("%40", "@").replaceAll("%3A", ":");
  return `<a href="https://matrix.to/#/${id}">${label}</a>`;
}

/**
 * Returns the users that clients notify (Client-Server API, "User and room mentions"). Clients do
 * not notify users whose names are only in the text.
 */
function intentionalMentions(mentions: readonly string[]): RoomMessageContent["m.mentions"] {
  const users = mentions.filter((mention) => mention !== ROOM_MENTION);
  return {
    user_ids: users.length === 0 ? undefined : users,
    room: users.length === mentions.length ? undefined : true,
  };
}
