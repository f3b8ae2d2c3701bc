/** Renders the message of a notification as plain text and as HTML. */

import { fitsEverywhere, isBatch, renderBatch } from "../notification/batch.ts";
import { loadMarkup } from "../markup/load.ts";
import { textToHtml } from "../markup/markup.ts";
import type { Notification } from "../notification/notification.ts";
import { codeToHtml } from "../notification/render.ts";

/** A message as plain text and as HTML. The HTML contains only tags that Matrix allows. */
export interface RenderedMessage {
  readonly text: string;
  readonly html: string;
}

/**
 * Renders a message by its format. If the library for the format cannot be loaded, returns the
 * message without conversion, as plain text.
 *
 * @param fits a function that returns true if a batch (several notifications in one message) is
 * small enough. Lines that make the batch too large are left out. A message that is not a batch is
 * returned completely, and its channel cuts it
 */
export async function renderMessage(
  notification: Notification,
  warn: (text: string) => void,
  fits: (message: RenderedMessage) => boolean = fitsEverywhere,
): Promise<RenderedMessage> {
  if (isBatch(notification)) return renderBatch(notification, fits);
  const { message, format } = notification;
  if (message === "" || format === "text") return { text: message, html: textToHtml(message) };
  if (format === "code") return { text: message, html: codeToHtml(message) };
  try {
    return (await loadMarkup(format))(message);
  } catch {
    warn(`Cannot render ${format}: its library could not be loaded; the message is sent as plain text`);
    return { text: message, html: textToHtml(message) };
  }
}
