/**
 * Renders the message of a notification as plain text and as HTML. Cuts a text that is too long.
 */

import { HintedError, InvalidNotificationError } from "../base/errors.ts";
import { loadLate } from "../base/late_modules.ts";
import { cleanText, type Markup, MAX_HTML_CHARS, textToHtml } from "../markup/markup.ts";
import { isBatch } from "../notification/batch.ts";
import type { Notification } from "../notification/notification.ts";
import { type CutOptions, cutToFit } from "../notification/cut.ts";
import { codeToHtml, type RenderOptions } from "../notification/render.ts";
import type { Block } from "./batch_message.ts";

/** A message as plain text and as HTML. The HTML contains only tags that Matrix allows. */
export interface RenderedMessage extends Markup {
  /**
   * The blocks of a batch (several notifications in one message). Identical notifications share a
   * block.
   */
  readonly blocks?: readonly Block[];
}

/** The longest batch for a service that does not limit the length of messages, in UTF-8 bytes. */
export const MAX_BATCH_BYTES: number = 64 * 1024;

/**
 * Renders a message by its format. If the library for the format cannot be loaded, returns the
 * message without conversion, as plain text.
 *
 * The HTML of a very long message contains only the beginning of the message. Channels then send
 * the plain text, because no service accepts so much HTML.
 */
export async function renderMessage(
  notification: Notification,
  warn: (text: string) => void,
): Promise<RenderedMessage> {
  if (isBatch(notification)) {
    const { renderBatch } = await import("./batch_message.ts");
    return await renderBatch(notification, (one) => renderMessage(one, warn));
  }
  const { message, format } = notification;
  const start = message.slice(0, MAX_HTML_CHARS);
  if (message === "" || format === "text") return { text: message, html: textToHtml(start) };
  if (format === "code") return { text: message, html: codeToHtml(start) };
  if (start.length < message.length) return { text: cleanText(message), html: textToHtml(cleanText(start)) };
  try {
    return (await loadMarkup(format))(message);
  } catch (error) {
    const hint = error instanceof HintedError && error.hint ? ` (${error.hint})` : "";
    warn(`Cannot render ${format}: its library could not be loaded; the message is sent as plain text${hint}`);
    return { text: message, html: textToHtml(message), isSourceUnsafe: true };
  }
}

/** How a text becomes short enough for a service. */
export interface FitOptions extends Pick<CutOptions, "maxUnits"> {
  /** Adds the title, the link and the notes to a message. */
  readonly layout: (message: string) => string;
  /** Returns true if a whole text is short enough. */
  readonly fits: (whole: string) => boolean;
}

/**
 * Returns the whole text of a notification, short enough for one message of a service. If the text
 * is too long, its message is cut: the output of a program loses its beginning, because errors are
 * usually at the end. Any other message loses its middle. If even the title, the link and the notes
 * are too long, the whole text loses its middle.
 *
 * @throws {InvalidNotificationError} if a batch does not fit. The queue then splits the batch, so
 * that no text is lost.
 */
export function layOutToFit(
  notification: Notification,
  message: string,
  { layout, fits, maxUnits }: FitOptions,
): string {
  const isShort = message.length <= maxUnits;
  const whole = isShort ? layout(message) : "";
  if (isShort && fits(whole)) return whole;
  if (isBatch(notification)) {
    throw new InvalidNotificationError("Cannot send the notifications in one message: the message would be too long");
  }
  const { format, fullText } = notification;
  const fileName = fullText?.name;
  const cut = layout(cutToFit(message, {
    fits: (cut) => fits(layout(cut)),
    maxUnits,
    keepsEnd: format === "code",
    fileName,
  }));
  return fits(cut) ? cut : cutToFit(layout(message), { fits, maxUnits, fileName });
}

/**
 * Returns the values for the longest notes about a delay and about replaced notifications. The
 * longest note about a delay says that the clock was wrong. A batch has no such notes.
 */
export function longestNotes(notification: Notification): Pick<RenderOptions, "lateAt" | "replaced"> {
  if (isBatch(notification)) return {};
  const { time } = notification;
  return { lateAt: -Infinity, replaced: { count: 999_999, since: time } };
}

/**
 * Loads the function that renders Markdown or HTML. The import path is computed at run time, so
 * that Deno needs the library of a format only when a message needs it.
 *
 * @throws {HintedError} if the library cannot be loaded
 */
async function loadMarkup(format: "markdown" | "html"): Promise<(source: string) => Markup> {
  if (format === "markdown") {
    return (await loadLate<typeof import("../markup/markdown.ts")>("markup/markdown.ts")).renderMarkdown;
  }
  return (await loadLate<typeof import("../markup/html.ts")>("markup/html.ts")).reduceHtml;
}
