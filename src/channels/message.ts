/** The message of a notification in the two forms that channels need. */

import { fitsEverywhere, isBatch, renderBatch } from "../notification/batch.ts";
import { loadMarkup } from "../markup/load.ts";
import type { Notification } from "../notification/notification.ts";
import { codeToHtml, textToHtml } from "../notification/render.ts";

/** A message as plain text, and as HTML of the kind that Matrix allows. */
export interface RenderedMessage {
  readonly text: string;
  readonly html: string;
}

/**
 * Renders a message by its format. Where the library for it cannot be loaded, the source goes out as plain text: late and plain is better
 * than not at all.
 *
 * @param fits whether a digest is small enough; it is made as large as there is room. Every other message is whole, and cut by its channel
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
    warn(`Cannot render ${format}: its library is not to be had; the message is sent as plain text`);
    return { text: message, html: textToHtml(message) };
  }
}
