/** Makes the content of a Matrix event from a notification. */

import { type Batch, hasLineForEach } from "../../notification/batch.ts";
import type { RoomMessageContent } from "../../matrix/events.ts";
import { ROOM_MENTION } from "../../matrix/ids.ts";
import type { Notification } from "../../notification/notification.ts";
import {
  byteLength,
  cutToFit,
  escapeHtml,
  renderHtml,
  type RenderOptions,
  renderPlain,
} from "../../notification/render.ts";
import { type RenderedMessage, renderMessage } from "../message.ts";

/**
 * The largest content, in bytes of JSON. An event has at most 65,536 bytes with its signatures
 * (Client-Server API, "Size limits"); 4 KiB are left for what the server adds.
 */
export const MAX_CONTENT_BYTES: number = 65_536 - 4096;

/** Options for making a content. */
export interface ContentOptions extends RenderOptions {
  readonly txnId: string;
  /** The largest content, in bytes of JSON. */
  readonly maxBytes: number;
  /** Reports a problem; delivery goes on. */
  readonly warn: (text: string) => void;
}

/**
 * Who is mentioned: the users in the notification, and in a critical one those of the channel. A
 * silent one mentions no one.
 */
export function mentionsOf(
  { silent, severity, mentions = [] }: Notification,
  whenCritical: readonly string[],
): readonly string[] {
  if (silent) return [];
  return [...new Set(severity === "critical" ? [...mentions, ...whenCritical] : mentions)];
}

/**
 * Makes the content. A message that is too long with its format is sent plain before anything is
 * cut.
 */
export async function contentOf(notification: Notification, options: ContentOptions): Promise<RoomMessageContent> {
  const { plain, formatted, fits } = formsOf(notification, options);
  const message = await renderMessage(notification, options.warn, (batch) => fits(formatted(batch)));
  return fits(formatted(message)) ? formatted(message) : plain(cutToFit(message.text, (text) => fits(plain(text))));
}

/** Whether a content has room for a batch. */
export function contentHasRoomFor(batch: Batch, options: ContentOptions): boolean {
  const { formatted, fits } = formsOf(batch, options);
  return hasLineForEach(batch, (message) => fits(formatted(message)));
}

/** The plain and the formatted content, and whether one is small enough. */
function formsOf(notification: Notification, options: ContentOptions) {
  const plain = (text: string): RoomMessageContent => ({
    msgtype: notification.silent ? "m.notice" : "m.text",
    body: renderPlain(notification, options, text),
    "m.mentions": intentionalMentions(options.mentions ?? []),
    "dev.matrix-notify.id": options.txnId,
  });
  const formatted = ({ text, html }: RenderedMessage): RoomMessageContent => ({
    ...plain(text),
    format: "org.matrix.custom.html",
    formatted_body: renderHtml(notification, { ...options, formatMention: mentionLink }, html),
  });
  const fits = (content: RoomMessageContent) => byteLength(JSON.stringify(content)) <= options.maxBytes;
  return { plain, formatted, fits };
}

/**
 * A mention as clients show people (appendices, "matrix.to navigation"). `@room` has no page to
 * link to.
 */
function mentionLink(mention: string): string {
  const label = escapeHtml(mention);
  if (mention === ROOM_MENTION) return label;
  const id = encodeURIComponent(mention).replaceAll("%40", "@").replaceAll("%3A", ":");
  return `<a href="https://matrix.to/#/${id}">${label}</a>`;
}

/**
 * Client-Server API, "User and room mentions": only users listed here are notified; the body does
 * not count.
 */
function intentionalMentions(mentions: readonly string[]): RoomMessageContent["m.mentions"] {
  const users = mentions.filter((mention) => mention !== ROOM_MENTION);
  return {
    ...(users.length === 0 ? {} : { user_ids: users }),
    ...(users.length === mentions.length ? {} : { room: true }),
  };
}
