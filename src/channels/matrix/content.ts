/** What a notification is as the content of a Matrix event. */

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
 * An event is at most 65,536 bytes of canonical JSON with its signatures (Client-Server API, "Size limits"); 4 KiB are left to what the server
 * adds.
 */
export const MAX_CONTENT_BYTES: number = 65_536 - 4096;

/** What a content depends on besides the notification. */
export interface ContentOptions extends RenderOptions {
  readonly txnId: string;
  /** How large it may become as JSON, in bytes. */
  readonly maxBytes: number;
  /** Says something to whoever runs this; delivery goes on. */
  readonly warn: (text: string) => void;
}

/** Whom a notification is for: whoever it names, and, where it is critical, whom its channel names. What is silent calls nobody. */
export function mentionsOf(
  { silent, severity, mentions = [] }: Notification,
  whenCritical: readonly string[],
): readonly string[] {
  if (silent) return [];
  return [...new Set(severity === "critical" ? [...mentions, ...whenCritical] : mentions)];
}

/** Makes the content. The text matters more than its form: a message that is too long with both goes out plain before anything is cut. */
export async function contentOf(notification: Notification, options: ContentOptions): Promise<RoomMessageContent> {
  const { plain, formatted, fits } = formsOf(notification, options);
  const message = await renderMessage(notification, options.warn, (digest) => fits(formatted(digest)));
  return fits(formatted(message)) ? formatted(message) : plain(cutToFit(message.text, (text) => fits(plain(text))));
}

/** Whether the content has room for a line of each that a digest stands for. */
export function contentHasRoomFor(digest: Batch, options: ContentOptions): boolean {
  const { formatted, fits } = formsOf(digest, options);
  return hasLineForEach(digest, (message) => fits(formatted(message)));
}

/** The forms that a content may have, and whether one is small enough. */
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

/** A mention as clients show people (appendices, "matrix.to navigation"). `@room` has no page to link to. */
function mentionLink(mention: string): string {
  const label = escapeHtml(mention);
  if (mention === ROOM_MENTION) return label;
  const id = encodeURIComponent(mention).replaceAll("%40", "@").replaceAll("%3A", ":");
  return `<a href="https://matrix.to/#/${id}">${label}</a>`;
}

/** Client-Server API, "User and room mentions": who is not named here is not called, whatever stands in the body. */
function intentionalMentions(mentions: readonly string[]): RoomMessageContent["m.mentions"] {
  const users = mentions.filter((mention) => mention !== ROOM_MENTION);
  return {
    ...(users.length === 0 ? {} : { user_ids: users }),
    ...(users.length === mentions.length ? {} : { room: true }),
  };
}
