/**
 * Loads the functions that turn Markdown and HTML into a message. These functions use libraries.
 * The import paths are computed at run time, so that Deno downloads the libraries only for a
 * message in Markdown or HTML.
 *
 * @module
 */

import { loadLate } from "../base/late_modules.ts";
import type { Markup } from "./markup.ts";

/**
 * A function that turns a source (Markdown or HTML) into the HTML and the plain text of a message.
 */
export type MarkupRenderer = (source: string) => Markup;

/**
 * Loads the function that renders a format.
 *
 * @throws {TypeError} if the library is not cached and cannot be downloaded
 */
export async function loadMarkup(format: "markdown" | "html"): Promise<MarkupRenderer> {
  if (format === "markdown") {
    return (await loadLate<typeof import("./markdown.ts")>("markup/markdown.ts")).renderMarkdown;
  }
  return (await loadLate<typeof import("./html.ts")>("markup/html.ts")).reduceHtml;
}
