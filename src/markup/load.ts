/**
 * Loads the renderers of Markdown and HTML, which use libraries. The specifiers are computed, so
 * that the libraries are not in the module graph. The libraries are downloaded only for a message
 * in Markdown or HTML.
 *
 * @module
 */

import { loadLate } from "../base/late_modules.ts";
import type { Markup } from "./markup.ts";

/** A function that turns a source into markup. */
export type MarkupRenderer = (source: string) => Markup;

/**
 * Loads the renderer of a format.
 *
 * @throws {TypeError} if the library is not cached and cannot be downloaded
 */
export async function loadMarkup(format: "markdown" | "html"): Promise<MarkupRenderer> {
  if (format === "markdown") {
    return (await loadLate<typeof import("./markdown.ts")>("markup/markdown.ts")).renderMarkdown;
  }
  return (await loadLate<typeof import("./html.ts")>("markup/html.ts")).reduceHtml;
}
